#!/usr/bin/env python3
"""Counts the tests that `cargo test` ran in each package and prints them; fails where there are fewer than `.ci/tests.txt` records.

Usage: count_tests.py LOG. After tests were taken away on purpose: `--record` writes the counts down.
"""

import argparse
import collections
import pathlib
import re
import sys

RECORD = pathlib.Path(__file__).with_name("tests.txt")
BINARY = re.compile(r"^ +Running .* \(.*/deps/(?P<crate>[a-z0-9_]+)-[0-9a-f]{16}\)$")
DOCUMENTATION = re.compile(r"^ +Doc-tests (?P<crate>[a-z0-9_]+)$")
RESULT = re.compile(r"^test result: ok\. (?P<passed>\d+) passed")
# Test binaries that are not named after their package stand behind the library of their package.
LIBRARIES = ("crc_fast", "express_deployer", "log_objects", "release_protocol", "sandbox")


def count(log: str) -> dict[str, int]:
    """The tests that passed, by package."""
    counts: dict[str, int] = collections.defaultdict(int)
    package = ""
    for line in log.splitlines():
        if found := BINARY.match(line) or DOCUMENTATION.match(line):
            if found["crate"] in LIBRARIES:
                package = found["crate"].replace("_", "-")
        elif found := RESULT.match(line):
            counts[package] += int(found["passed"])
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=pathlib.Path, help="what `cargo test` printed")
    parser.add_argument("--record", action="store_true", help="write the counts down")
    options = parser.parse_args()
    counts = count(options.log.read_text(errors="replace"))
    if options.record:
        RECORD.write_text("".join(f"{package} {number}\n" for package, number in sorted(counts.items())))
    recorded = {package: int(number) for package, number in map(str.split, RECORD.read_text().splitlines())}
    fewer = False
    for package, number in sorted(recorded.items()):
        print(f"{package:<20}{counts.get(package, 0):>6} tests, at least {number}")
        fewer |= counts.get(package, 0) < number
    return int(fewer)


if __name__ == "__main__":
    sys.exit(main())
