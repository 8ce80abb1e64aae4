"""Runs the release build of the function end to end on AWS's own local tools, and asserts on what it did.

Four processes on 127.0.0.1: the sandbox with ECS, ECR and S3 (`express-deployer sandbox`), the emulator of the durable
execution service (`dex-local-runner`), the emulator of the Lambda Runtime API (`cargo lambda watch`), and the function.
The function is the very file that ships: `cargo lambda watch` only serves the Runtime API, so it builds nothing.
Run it with the Python of a virtual environment that holds the packages of .ci/requirements.txt.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import typing
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))
EVENTS = ROOT / "events"

ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
STATE_BUCKET = f"deployer-state-{ACCOUNT}-{REGION}"
FUNCTION = "bootstrap"  # `cargo lambda watch` routes by the name of the binary
EXECUTION_TIMEOUT = int(re.search(r"ExecutionTimeout: (\d+)", (ROOT / "template.yaml").read_text())[1])
RELEASES = 2  # that are played
START_TIMEOUT = 60.0  # seconds until a server must answer
RELEASE_TIMEOUT = 30.0  # seconds of real time for one release; its own waits are skipped, so that it takes about one
TRIES = 5  # of what sleeps
FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failure(Exception):
    """An expectation that did not hold; its text is what a person needs to know."""


class Slept(Failure):
    """An execution that did not end in time. The emulator loses a timer now and then where waits are skipped, as when the
    timer fires before the invocation that set it has been answered."""


def try_again(played: typing.Callable[[], None]) -> None:
    """Plays something on new processes as long as it sleeps: a release of our own that slept would sleep each time."""
    for _ in range(TRIES - 1):
        try:
            return played()
        except Slept as slept:
            print(f"  once more: {slept}")
    return played()


def request(method: str, url: str, body: bytes | None = None, content_type: str = "application/json") -> tuple[dict, bytes]:
    """One HTTP exchange: (headers with lower-case names, body). A status other than 2xx is a failure that shows the answer."""
    message = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": content_type})
    try:
        with http.open(message, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refused:
        raise Failure(f"{method} {url} was answered with {refused.code}: {refused.read()[:500]!r}") from refused


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Processes:
    """What was started, each in a process group of its own, with one log a process. Stops everything, also after a failure."""

    def __init__(self, logs: pathlib.Path) -> None:
        self.logs = logs
        self.started: dict[str, subprocess.Popen] = {}

    def start(self, name: str, command: list, environment: dict[str, str], cwd: pathlib.Path = ROOT) -> subprocess.Popen:
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        self.started[name] = process
        return process

    def log(self, name: str) -> pathlib.Path:
        return self.logs / f"{name}.log"

    def require_alive(self) -> None:
        for name, process in self.started.items():
            if process.poll() is not None:
                raise Failure(f"{name} ended with status {process.returncode}")

    def wait_for_port(self, name: str, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            self.require_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.1)
        raise Failure(f"{name} did not listen on port {port} within {START_TIMEOUT:.0f} s")

    def wait_for_line(self, name: str, beginning: str) -> str:
        """The rest of the first line of a log that begins so."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            self.require_alive()
            for line in self.log(name).read_text(errors="replace").splitlines():
                if line.startswith(beginning):
                    return line.removeprefix(beginning).strip()
            time.sleep(0.1)
        raise Failure(f"{name} did not print {beginning!r} within {START_TIMEOUT:.0f} s")

    def print_tails(self) -> None:
        for name in self.started:
            lines = self.log(name).read_text(errors="replace").splitlines()
            print(f"\n--- the last lines of {name}")
            print("\n".join(line[:500] for line in lines[-40:]))

    def stop(self) -> None:
        for stop_signal, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            for process in self.started.values():
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, stop_signal)
            deadline = time.monotonic() + patience
            for process in self.started.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))


class Bench:
    """The four processes, once all of them answer."""

    def __init__(self, processes: Processes, cli: pathlib.Path, function: pathlib.Path) -> None:
        self.processes = processes
        processes.start("sandbox", [cli, "sandbox", "--port", "0", "--advance-per-observation", "15s"], ENVIRONMENT)
        self.sandbox = processes.wait_for_line("sandbox", "listening on ")

        lambda_port, dex_port = free_port(), free_port()
        self.dex = f"http://127.0.0.1:{dex_port}"
        processes.start(
            "dex-local-runner",
            [
                SCRIPTS / "dex-local-runner", "start-server", "--host", "127.0.0.1", "--port", str(dex_port), "--skip-time",
                "--lambda-endpoint", f"http://127.0.0.1:{lambda_port}", "--local-runner-endpoint", self.dex,
                "--local-runner-region", REGION,
            ],
            ENVIRONMENT,
        )
        processes.start(
            "cargo-lambda-watch",
            [
                SCRIPTS / "cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--ignore-changes",
                "-A", "127.0.0.1", "-P", str(lambda_port),
            ],
            ENVIRONMENT,
        )
        processes.wait_for_port("cargo-lambda-watch", lambda_port)
        processes.wait_for_port("dex-local-runner", dex_port)
        self.function = processes.start(
            "function",
            [function],
            {
                **ENVIRONMENT,
                "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{lambda_port}/.rt/{FUNCTION}",
                "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION}",
                "AWS_LAMBDA_LOG_STREAM_NAME": "e2e",
                "AWS_ENDPOINT_URL": self.sandbox,
                "AWS_ENDPOINT_URL_LAMBDA": self.dex,
                "DEPLOYER_CONFIG": (ROOT / "deployer.example.toml").read_text(),
            },
        )

    def run(self, name: str, event: object) -> dict:
        """Starts a durable execution with an event and waits for its end: the result that it returned."""
        execution = self.execute(name, event)
        if execution["Status"] != "SUCCEEDED":
            raise Failure(f"{name} ended as {execution['Status']}: {execution.get('Error')}")
        return json.loads(execution["Result"])

    def execute(self, name: str, event: object) -> dict:
        """Starts a durable execution with an event and waits for its end, whichever it is."""
        start = {
            "AccountId": ACCOUNT,
            "FunctionName": FUNCTION,
            "FunctionQualifier": "$LATEST",
            "ExecutionName": name,
            "ExecutionTimeoutSeconds": EXECUTION_TIMEOUT,
            "ExecutionRetentionPeriodDays": 1,
            "InvocationId": name,
            "Input": json.dumps(event),
        }
        _, body = request("POST", f"{self.dex}/start-durable-execution", json.dumps(start).encode())
        arn = json.loads(body)["ExecutionArn"]
        url = f"{self.dex}/2025-12-01/durable-executions/{urllib.parse.quote(arn, safe='')}"
        deadline = time.monotonic() + RELEASE_TIMEOUT
        while time.monotonic() < deadline:
            self.processes.require_alive()
            execution = json.loads(request("GET", url)[1])
            if execution["Status"] in FINAL:
                break
            time.sleep(0.25)
        else:
            raise Slept(f"{name} did not end within {RELEASE_TIMEOUT:.0f} s")
        return execution

    def upload(self, bucket: str, key: str, document: bytes) -> dict[str, str]:
        """Puts an object as a user would: the headers that S3 answered with."""
        return request("PUT", f"{self.sandbox}/{bucket}/{urllib.parse.quote(key)}", document)[0]

    def download(self, bucket: str, key: str) -> bytes:
        return request("GET", f"{self.sandbox}/{bucket}/{urllib.parse.quote(key)}")[1]

    def calls(self) -> list[str]:
        """The operations that the sandbox was asked for since it started, in order."""
        return [call["operation"] for call in json.loads(request("GET", f"{self.sandbox}/_sandbox/calls")[1])]

    def peak_memory(self) -> int:
        """The most bytes that the function has held in memory so far."""
        for line in pathlib.Path(f"/proc/{self.function.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise Failure("the function's process has no VmHWM")

    def processor_time(self) -> int:
        """Nanoseconds that the function's process has run for so far, in all of its threads."""
        tasks = pathlib.Path(f"/proc/{self.function.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failure(f"{what}: expected {wanted!r}, found {found!r}")


def tell(report: dict) -> None:
    """The story of a release as its report has it."""
    for release in report["releases"]:
        print(f"  {release['service']}: {release['outcome']}, release {release['release']}")
        for moment in release["timeline"]:
            print(f"    {moment['at']}  {moment['what']}: {moment.get('detail', '')}")
        print(f"    image            {release.get('image')}")
        print(f"    task definition  {release.get('previousTaskDefinitionArn')} -> {release.get('taskDefinitionArn')}")
        print(f"    verification     {(release.get('verification') or {}).get('status')}")


def release(bench: Bench, name: str, event: dict) -> None:
    """One event, one release: it succeeds, with exactly one revision and one update, and leaves its report in the bucket."""
    print(f"\n{name}")
    before = bench.calls()
    began = time.monotonic()
    report = bench.run(name, event)
    tell(report)

    expect("number of releases", len(report["releases"]), 1)
    result = report["releases"][0]
    expect("outcome", result["outcome"], "succeeded")
    expect("verification", result["verification"]["status"], "passed")
    made = bench.calls()[len(before):]
    for operation in ("RegisterTaskDefinition", "UpdateExpressGatewayService"):
        expect(f"calls of {operation}", made.count(operation), 1)
    cluster, service = result["service"].split("/")[-2:]
    region, account = result["service"].split(":")[3:5]
    stored = json.loads(bench.download(STATE_BUCKET, f"releases/{account}/{region}/{cluster}/{service}/{result['release']}.json"))
    stored = stored["releases"][0] if "releases" in stored else stored
    expect("outcome in the stored report", stored["outcome"], "succeeded")
    print(f"  {len(made)} calls to AWS, {time.monotonic() - began:.1f} s of real time")


def play(bench: Bench) -> None:
    release(bench, "ecr-image-push", json.loads((EVENTS / "ecr-image-push.json").read_text()))

    event = json.loads((EVENTS / "s3-object-created.json").read_text())
    bucket, uploaded = event["detail"]["bucket"]["name"], event["detail"]["object"]
    task_definition = json.loads((EVENTS / "task-definitions" / "firelens.json").read_text())
    # As it is, the document would ask for what the first release has just made live: no change.
    task_definition["containerDefinitions"][0]["environment"] = [{"name": "GREETING", "value": "hello"}]
    document = json.dumps(task_definition, indent=2).encode()
    headers = bench.upload(bucket, uploaded["key"], document)
    # What the file says of the object is an example; the event that S3 would send now says this.
    uploaded.update({"size": len(document), "etag": headers["etag"].strip('"'), "version-id": headers["x-amz-version-id"]})
    release(bench, "s3-object-created", event)


def rows_of_events() -> list[tuple[str, str, set[str]]]:
    """What events/README.md says: the file of an event, what comes of it, and which operations are called."""
    page = (EVENTS / "README.md").read_text()
    release = re.search(r"^A release calls these: (.*)\.$", page, re.MULTILINE)[1].split(", ")
    rows = re.findall(r"^\| `([a-z0-9-]+\.json)` \| [^|]* \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    expect("events on the page", len(rows), len(list(EVENTS.glob("*.json"))))
    known = {"none": set(), "those of a release": set(release)}
    return [(file, result, known.get(calls, set(calls.split(", ")))) for file, result, calls in rows]


def result_of(execution: dict) -> str:
    """What came of an execution, in the words of events/README.md."""
    if execution["Status"] != "SUCCEEDED":
        return f"fails: {execution['Error']['ErrorMessage']}"
    report = json.loads(execution["Result"])
    if "ignored" in report:
        return f"ignored: {report['ignored']}"
    return ", ".join(release["outcome"] for release in report["releases"])


def play_events(start: typing.Callable[[], "contextlib.AbstractContextManager[Bench]"]) -> None:
    """Plays every event that is on the page; what calls AWS has a sandbox of its own, as for the page."""
    quiet = [row for row in rows_of_events() if not row[2]]
    calling = [row for row in rows_of_events() if row[2]]
    for rows in [quiet, *([row] for row in calling)]:
        try_again(lambda: play_rows(start, rows))


def play_rows(start: typing.Callable[[], "contextlib.AbstractContextManager[Bench]"], rows: list) -> None:
    with start() as bench:
        for file, wanted, operations in rows:
            before, began = len(bench.calls()), time.monotonic()
            execution = bench.execute(file.removesuffix(".json"), json.loads((EVENTS / file).read_text()))
            expect(f"what comes of {file}", result_of(execution), wanted)
            expect(f"operations called for {file}", set(bench.calls()[before:]), operations)
            print(f"  {file}: {wanted}, {len(operations)} kinds of calls, {time.monotonic() - began:.1f} s")


def play_and_measure(start: typing.Callable[[], "contextlib.AbstractContextManager[Bench]"], memory: pathlib.Path) -> None:
    with start() as bench:
        play(bench)
        peak = bench.peak_memory()
        spent = bench.processor_time() / RELEASES
    memory.write_text(json.dumps({"peak_bytes": peak, "processor_ns_per_release": spent}))
    print(f"\nboth releases succeeded; the function held at most {peak / 1e6:.1f} MB and worked for {spent / 1e6:.0f} ms for each")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cli", type=pathlib.Path, default=TARGET / "debug" / "express-deployer", help="the CLI, whose `sandbox` stands in for AWS (default: the build of `cargo test`)")
    parser.add_argument("--function", type=pathlib.Path, default=TARGET / "lambda" / "bootstrap" / "bootstrap", help="the function (default: what `cargo lambda build --release` made)")
    parser.add_argument("--memory", type=pathlib.Path, default=TARGET / "e2e-memory.json", help="where to leave the function's peak memory and processor time for benches/run")
    options = parser.parse_args()
    for binary in (options.cli, options.function):
        if not binary.is_file():
            parser.error(f"{binary} is not there; .ci/run has the commands that build it")

    # A CI that is stopped sends SIGTERM: end as for Ctrl-C, so that nothing stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    @contextlib.contextmanager
    def start() -> typing.Iterator[Bench]:
        with tempfile.TemporaryDirectory(prefix="express-deployer-e2e-") as folder:
            processes = Processes(pathlib.Path(folder))
            try:
                yield Bench(processes, options.cli.resolve(), options.function.resolve())
            except Slept:
                raise
            except (Failure, OSError, KeyError, ValueError):
                processes.print_tails()
                raise
            finally:
                processes.stop()

    try:
        try_again(lambda: play_and_measure(start, options.memory))
        print("\nevery event of events/README.md")
        play_events(start)
        return 0
    except (Failure, OSError, KeyError, ValueError) as failure:
        print(f"\nFAILED: {type(failure).__name__}: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
