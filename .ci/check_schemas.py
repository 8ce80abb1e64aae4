"""Holds the JSON Schemas in docs/schema/ to draft 7, and the documents that pass the checker to the schemas, with a complete validator."""

import json
import sys
import tomllib
from pathlib import Path

from jsonschema import Draft7Validator

root = Path(__file__).resolve().parent.parent


def validator(name: str) -> Draft7Validator:
    schema = json.loads((root / "docs/schema" / name).read_text())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def main() -> int:
    tasks, configuration = validator("task-definition.schema.json"), validator("deployer.schema.json")
    fixtures = root / "tests/fixtures"
    good = [*fixtures.glob("rules/*/good*.json"), *fixtures.glob("task-definitions/*.json")]
    cases = [(path, tasks, json.loads(path.read_text())) for path in sorted(good)]
    example = root / "deployer.example.toml"
    cases.append((example, configuration, tomllib.loads(example.read_text())))
    refused = 0
    for path, schema, document in cases:
        for error in schema.iter_errors(document):
            refused += 1
            print(f"{path.relative_to(root)}: {error.json_path}: {error.message}", file=sys.stderr)
    bad = [path for path in fixtures.glob("rules/*/bad*.json") if not tasks.is_valid(json.loads(path.read_text()))]
    print(f"{len(cases)} good documents, {refused} problems; {len(bad)} bad documents are underlined")
    return 1 if refused or not bad else 0


if __name__ == "__main__":
    sys.exit(main())
