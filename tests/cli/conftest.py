"""What the command line's tests share: a way to run it, and a server that records the exact bytes it is sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from payseal import Request
from payseal.cli.group import payseal

Run: TypeAlias = Callable[..., Result]

KEYID = "qWer7yLjPNEwS1VqHzMTc6ASmZxgGGX1"
SECRET = "Sk3-example+secret/with=chars"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" + b'{"total": 1.10}'


@pytest.fixture(autouse=True)
def _no_credentials_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAYSEAL_KEYID", "PAYSEAL_SECRET", "PAYSEAL_TOKEN", "PAYSEAL_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run() -> Run:
    """Runs the command line in this process; ``env`` holds the credential unless another is given."""

    def run_with(*args: str, stdin: bytes | str = b"", env: dict[str, str] | None = None) -> Result:
        given = {"PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": SECRET} if env is None else env
        return CliRunner().invoke(payseal, list(args), input=stdin, env=given, prog_name="payseal")

    return run_with


def process(
    *args: str, stdin: bytes = b"", env: dict[str, str] | None = None, cwd: Path | None = None, prelude: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line as a process of its own. ``prelude`` is Python that runs first."""
    command: Sequence[str] = [sys.executable, "-m", "payseal", *args]
    if prelude:
        start = f"import sys\n{prelude}\nfrom payseal.cli import main\nmain()"
        command = [sys.executable, "-c", start, *args]
    given = {"PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": SECRET} if env is None else env
    return subprocess.run(command, input=stdin, env={**os.environ, **given}, cwd=cwd, capture_output=True, timeout=30, check=False)


class Recorder:
    """A server on this machine that keeps what it is sent, byte for byte, and answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answer: bytes | None = OK  # None: closes without a word
        self.silent = False  # reads, and never answers
        self.arrived = threading.Event()
        self._stop = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def url(self, target: str) -> str:
        return f"http://127.0.0.1:{self.port}{target}"

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(5)
                data = _read(connection)
                if self._stop.is_set():
                    return
                self.requests.append(data)
                self.arrived.set()
                if self.silent:
                    self._stop.wait(10)
                elif self.answer is not None:
                    connection.sendall(self.answer)

    @contextmanager
    def running(self) -> Iterator[Recorder]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            with socket.create_connection(("127.0.0.1", self.port)):
                pass
            self._thread.join()
            self._socket.close()


def _read(connection: socket.socket) -> bytes:
    data = b""
    while True:
        head, blank, body = data.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        if blank and len(body) >= length:
            return data
        try:
            piece = connection.recv(65_536)
        except OSError:
            return data
        if not piece:
            return data
        data += piece


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder().running() as server:
        yield server


def request_of(data: bytes) -> Request:
    """What was sent as a `Request`, taken apart without any of payseal's own reading."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    method, target, _ = line.split(b" ")
    pairs = [(name, value.strip()) for name, _, value in (each.partition(b":") for each in headers)]
    return Request(method, target, pairs, body)


def capture(method: str, target: str, headers: dict[str, str], body: bytes = b"", *, end: str = "\r\n", length: bool = True) -> bytes:
    """The text of a request."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "".join(line + end for line in [*lines, ""]).encode("latin-1") + body


def vectors() -> list[dict[str, Any]]:
    import json

    path = Path(__file__).parents[1] / "vectors" / "schemes.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
