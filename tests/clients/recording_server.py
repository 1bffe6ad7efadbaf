"""A server that records the raw bytes of each request, and what the client tests have in common."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final

import payseal

SECRET: Final = "correct horse battery staple"
TOKEN: Final = "token-that-nobody-may-see"

#: Everything that a signature can cover, with separators.
COVERING: Final = r"""
name = "covering"

[signature]
base = "{method}\n{target}\n{host}\n{header:Content-Type}\n{keyid}\n{nonce}\n{created}\n{body:sha256:hex}"
algorithm = "hmac-sha256"
encoding = "hex"

[headers]
X-Key = "{keyid}"
X-Seal = { template = "n={nonce};t={created};v1={signature}", separator = ";" }

[created]
format = "unix-ms"
tolerance = 300

[nonce]
format = "uuid4"
pattern = "[A-Za-z0-9-]{1,64}"
"""

CREDENTIAL: Final = payseal.Credential(keyid="key-1", secret=SECRET, token=TOKEN)


def scheme(name: str) -> payseal.Scheme:
    """A scheme from the catalogue, or the made-up one."""
    return payseal.Scheme.loads(COVERING) if name == "covering" else payseal.scheme(name)


def signer(name: str = "fiserv-payments", credential: payseal.Credential = CREDENTIAL) -> payseal.Signer:
    return payseal.Signer(scheme(name), credential)


class Pieces:
    """A recorded body, in a file: a large one must not be in memory, where it would be counted."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the server
        self.length = 0

    def write(self, piece: bytes) -> None:
        self.length += self.file.write(piece)

    def __iter__(self) -> Iterator[bytes]:
        for offset in range(0, self.length, 65_536):
            self.file.seek(offset)
            yield self.file.read(min(65_536, self.length - offset))


class Recorded:
    """One request as it came over the wire."""

    def __init__(self, head: bytes, pieces: Pieces) -> None:
        self.head = head
        self.pieces = pieces
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        self.headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each.lower() == name.lower()]

    def value(self, name: str) -> str:
        (value,) = self.values(name)
        return value

    def has_any_of(self, name: str) -> list[str]:
        """Which headers of that scheme it carries."""
        return [rule.name for rule in scheme(name).headers if self.values(rule.name)]

    def verified(self, name: str = "fiserv-payments", credential: payseal.Credential = CREDENTIAL) -> payseal.Authenticated:
        """Prove that what was signed is what came. Raises `payseal.Rejected`."""
        request = payseal.Request(self.method, self.target, self.headers, self.pieces)
        return payseal.Verifier(scheme(name), credential).verify(request)


def answer(status: int = 200, location: str = "", body: bytes = b"ok", extra: Iterable[tuple[str, str]] = ()) -> bytes:
    fields = [("Content-Length", str(len(body))), *([("Location", location)] if location else []), *extra]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode("latin-1") + body


class RecordingServer:
    """Listens on a free port of localhost, records each request, and gives the scripted answers, then 200."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[Recorded] = []
        self._all: list[Pieces] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> RecordingServer:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # shutdown, and not close alone: only that wakes a thread which waits on the socket.
        with self._lock:
            for each in (self._listener, *self._open):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
        for pieces in self._all:
            pieces.file.close()

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (head := self._head(stream)) is not None:
                    pieces = Pieces()
                    recorded = Recorded(head, pieces)
                    self._all.append(pieces)
                    for piece in self._body(stream, recorded):
                        pieces.write(piece)
                    self.requests.append(recorded)
                    reply = self.answers.pop(0) if self.answers else answer()
                    if not reply:
                        break  # scripted: the connection is dropped
                    connection.sendall(reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if recorded.method == "HEAD" else reply)
            except OSError:
                pass
        with self._lock:
            self._open.discard(connection)

    def _head(self, stream: object) -> bytes | None:
        lines: list[bytes] = []
        while (line := stream.readline()) not in (b"", b"\r\n"):  # type: ignore[attr-defined]
            lines.append(line)
        return b"".join(lines).removesuffix(b"\r\n") if lines else None

    def _body(self, stream: object, recorded: Recorded) -> Iterator[bytes]:
        read = stream.read  # type: ignore[attr-defined]
        if recorded.values("Transfer-Encoding") == ["chunked"]:
            while size := int(stream.readline(), 16):  # type: ignore[attr-defined]
                yield read(size)
                read(2)
            read(2)
            return
        left = int((recorded.values("Content-Length") or ["0"])[0])
        while left:
            piece = read(min(left, 65_536))
            if not piece:
                raise ConnectionError("the body ended early")
            left -= len(piece)
            yield piece
