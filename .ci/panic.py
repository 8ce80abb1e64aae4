"""Shows what Lambda sees when a function panics: the end of its process, and no answer.

It plays the Runtime API for benches/empty-function, which the command of the deployer's own build has made with the
deployer's own profile, and which panics when it is asked to. With `panic = "unwind"` the runtime would answer the
invocation with an error instead and take the next one, so this fails when the profile is not what ships any more.
Needs nothing outside Python's standard library.
"""

import argparse
import http.server
import pathlib
import queue
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION = ROOT / "target" / "empty-function" / "bootstrap" / "bootstrap"
TIMEOUT = 30.0  # seconds; a function that takes longer hangs
NEXT = "/2018-06-01/runtime/invocation/next"
EVENTS = ["null", '"panic"']  # the first is answered, so that the silence after the second says something


def serve(events: list[str], seen: queue.Queue) -> http.server.ThreadingHTTPServer:
    """A Runtime API that hands out the events one after another, and notes every answer to one."""
    waiting = iter(enumerate(events))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number, event = next(waiting, (None, None))
            if self.path != NEXT or event is None:
                seen.put(("GET", self.path, ""))
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", f"event-{number}")
            self.send_header("Lambda-Runtime-Deadline-Ms", "32503680000000")
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-northeast-1:123456789012:function:empty")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.put(("POST", self.path.removeprefix("/2018-06-01/runtime/"), body.decode()))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("function", nargs="?", type=pathlib.Path, default=FUNCTION, help="the empty function (default: what benches/run made)")
    options = parser.parse_args()
    if not options.function.is_file():
        parser.error(f"{options.function} is not there; benches/run builds it")

    seen: queue.Queue = queue.Queue()
    server = serve(EVENTS, seen)
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "empty",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    }
    process = subprocess.Popen([options.function], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, stderr = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        _, stderr = process.communicate()
    finally:
        server.shutdown()

    requests = list(seen.queue)
    print(f"answers: {requests}\nend: {process.returncode}\nstandard error: {stderr.strip()}")
    expected = [("POST", "invocation/event-0/response", "null")]
    if requests != expected:
        print(f"FAILED: expected the answers {expected} and none to the event that panics", file=sys.stderr)
        return 1
    if process.returncode != -signal.SIGABRT:
        print("FAILED: the process did not end by an abort", file=sys.stderr)
        return 1
    if "panicked at" not in stderr:
        print("FAILED: the panic's message is not on standard error, where Lambda's logs take it from", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
