"""What a sign, a verify and the middleware cost, counted instead of timed: the same on a busy machine as on a quiet one.

    python benchmarks/instructions.py [--callgrind] [--scheme fiserv-payments]

Three counts, each the least of a few: the interpreter's instructions (of Python 3.11; another version has others), the calls of Python
functions and of functions written in C, and with ``--callgrind`` the processor's instructions, where valgrind is installed. The last are
the difference of two runs, one with more calls than the other, and include the hash.

`tests/core/test_cost.py` holds the first two to what they were when they were last looked at.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parent.parent
BODY = b'{"amount":1000,"currency":"KES","note":"' + b"x" * 214 + b'"}'
NOW = 1_782_000_123.25


def work(scheme_name: str = "fiserv-payments") -> dict[str, Callable[[], object]]:
    """What is counted, by name. Each is called once here, so that what is made at the first call is there."""
    import payseal

    scheme = payseal.scheme(scheme_name)
    credential = payseal.Credential("merchant-1", "Sk3-example+secret/with=chars", "saAOM9qjmKfdazqgoZrKbJuukCP9")
    signer = payseal.Signer(scheme, credential, clock=lambda: NOW)
    verifier = payseal.Verifier(scheme, {"merchant-1": credential}, allow_unkeyed=not scheme.keyed, clock=lambda: NOW)
    plain = payseal.Request("POST", "/payments", {"Content-Type": "application/json"}, BODY)
    headers = {"Content-Type": "application/json", **signer.sign(plain)}
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    signed = payseal.Request("POST", "/payments", pairs, BODY)
    presented = verifier.read(signed)
    made: dict[str, Callable[[], object]] = {
        "sign": lambda: signer.sign(plain),
        "verify": lambda: verifier.verify(signed),
        "read": lambda: verifier.read(signed),
        "check": lambda: verifier.check(signed, presented, credential),
        "request": lambda: payseal.Request("POST", "/payments", pairs, BODY),
        "middleware": _middleware(verifier, signer),
    }
    for call in made.values():
        call()
    return made


def _middleware(verifier: Any, signer: Any) -> Callable[[], object]:
    """One request through the ASGI middleware with the memory ledger, to an application that reads it and answers; signed beforehand, each with
    an id of its own."""
    import payseal
    from payseal.middleware import ASGIMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise AssertionError("a good request was refused")

    guarded = ASGIMiddleware(app, verifier, "memory://")
    plain = payseal.Request("POST", "/payments", (), BODY)
    usual = [(b"host", b"pay.example"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    waiting = [[*usual, *((name.lower().encode(), value.encode()) for name, value in signer.sign(plain).items())] for _ in range(1_600)]

    def call() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/payments",
            "raw_path": b"/payments",
            "query_string": b"",
            "headers": waiting.pop(),
        }
        try:
            guarded(scope, receive, send).send(None)  # nothing in it waits, so that one step is all of it
        except StopIteration:
            return
        raise AssertionError("it waited for something")

    return call


def opcodes(call: Callable[[], object]) -> int:
    """How many instructions of the interpreter a call runs: the least of five, since now and then something is made for later ones."""
    return min(_opcodes(call) for _ in range(5))


def _opcodes(call: Callable[[], object]) -> int:
    count = 0

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def calls(call: Callable[[], object]) -> int:
    """How many functions a call calls, written in Python or in C."""
    return min(_calls(call) for _ in range(5))


def _calls(call: Callable[[], object]) -> int:
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count - 1  # the one that ends the counting


def processor(name: str, scheme: str) -> int:
    """The processor's instructions for one call, as valgrind counts them."""

    def run(count: int) -> int:
        code = f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}, {str(ROOT / 'benchmarks')!r}]; import instructions\n"
        code += f"call = instructions.work({scheme!r})[{name!r}]\nfor _ in range({count}): call()"
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable, "-S", "-c", code]
            subprocess.run(command, check=True, capture_output=True, env={"PYTHONHASHSEED": "0"})
            found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0

    return (run(1_280) - run(256)) // 1_024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--scheme", default="fiserv-payments")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    for name, call in work(chosen.scheme).items():
        line = f"{name:8} {opcodes(call):5} interpreter  {calls(call):4} calls"
        print(line + (f"  {processor(name, chosen.scheme):7} processor" if chosen.callgrind else ""), flush=True)


if __name__ == "__main__":
    main()
