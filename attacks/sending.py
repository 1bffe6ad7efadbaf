"""Bytes to a server and its answers back, over plain sockets: one at a time, or as many as one process can send.

Nothing here knows what a request should look like, so that anything can be sent. `exchange` is for one; `sending` is a process of its own
that sends prepared bytes over many kept-alive connections, each of which waits for an answer before it takes the next.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CLOSED", "SILENT", "Answer", "Client", "Outcome", "Prepared", "exchange", "send_all", "sending"]

HOST: Final = "127.0.0.1"
#: In place of a status: the connection was closed (or refused) without a whole answer; there was neither an answer nor an end.
CLOSED: Final = 0
SILENT: Final = -1

_ROOT: Final = Path(__file__).resolve().parent.parent
_CHUNK: Final = 262_144
#: Seconds until a connection is tried again that nobody took.
_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole one. ``head`` is its status line and headers as they came."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """Bytes to send, what ``kind`` they are of, and a ``key`` to find them by afterwards: the request id, say. ``last``: they are no whole
    request, so that the connection is of no use afterwards."""

    kind: str
    key: str
    data: bytes
    last: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one. ``status`` may be `CLOSED` or `SILENT`; ``began`` is seconds since the epoch, ``seconds`` until the whole answer;
    ``replayed``: the answer was marked as one given before."""

    kind: str
    key: str
    status: int
    began: float
    seconds: float
    replayed: bool = False


class _Reader:
    """Cuts answers out of what a connection receives. Interim ones (1xx) are left out."""

    def __init__(self) -> None:
        self.data = bytearray()

    def next(self, *, ended: bool = False) -> Answer | None:
        """The next whole answer, once it is there. ``ended``: nothing more will come. Raises `ValueError` for what is none."""
        while True:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self.data[:end])
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                break
            del self.data[: end + 4]
        length = _body_length(head.lower(), self.data, end + 4, ended=ended)
        if length is None:
            return None
        body = bytes(self.data[end + 4 : end + 4 + length])
        del self.data[: end + 4 + length]
        return Answer(status, head, body)


def _body_length(head: bytes, data: bytearray, start: int, *, ended: bool) -> int | None:
    """How many bytes from ``start`` on are the body; ``None`` while some are missing. A chunked one is left as it is."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
            return length if len(data) - start >= length else None
        if name == b"transfer-encoding":
            at = data.find(b"0\r\n\r\n", start) if data.startswith(b"0\r\n\r\n", start) else data.find(b"\r\n0\r\n\r\n", start)
            return None if at < 0 else data.index(b"\r\n\r\n", at + 1) + 4 - start
    return len(data) - start if ended or head.split(b" ", 2)[1] in (b"204", b"304") else None


class Client:
    """One connection. ``timeout`` (seconds) is for each step of sending and for each whole answer."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self._timeout = timeout
        self._reader = _Reader()
        self.socket = socket.create_connection((HOST, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def port(self) -> int:
        """Its own, by which the other end knows it."""
        return int(self.socket.getsockname()[1])

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def send(self, data: bytes) -> bool:
        """Whether the other end took it all: it has not closed the connection."""
        try:
            self.socket.settimeout(self._timeout)
            self.socket.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            return False
        return True

    def answer(self, timeout: float | None = None) -> Answer | None:
        """The next answer; ``None`` when the connection is closed instead. Raises `TimeoutError` when neither comes."""
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        ended = False
        while True:
            found = self._reader.next(ended=ended)
            if found is not None or ended:
                return found
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                piece = self.socket.recv(_CHUNK)
            except TimeoutError:
                raise
            except OSError:
                piece = b""
            self._reader.data += piece
            ended = not piece
            if not ended and time.monotonic() > deadline:
                raise TimeoutError

    def close(self) -> None:
        self.socket.close()


def exchange(port: int, data: bytes, timeout: float = 20.0) -> Answer | None:
    """Send on a new connection; the answer, or ``None`` when the connection was closed or refused. Raises `TimeoutError` when neither."""
    try:
        client = Client(port, timeout)
    except TimeoutError:
        raise
    except OSError:
        return None
    with client:
        client.send(data)  # what was closed meanwhile may have been answered before
        return client.answer()


class _Lane:
    """A connection of `send_all`, and the request that is on it."""

    __slots__ = ("began", "key", "left", "reader", "request", "sent", "socket")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.request: Prepared | None = None
        self.left = memoryview(b"")
        self.reader = _Reader()
        self.began = self.sent = 0.0


class _Sender:
    def __init__(self, port: int, requests: Iterable[Prepared], connections: int, seconds: float, patience: float) -> None:
        self.port, self.patience = port, patience
        self.requests: deque[Prepared] = deque(requests)
        self.selector = selectors.DefaultSelector()
        self.lanes = [_Lane() for _ in range(connections)]
        self.idle: deque[_Lane] = deque(self.lanes)
        self.outcomes: list[Outcome] = []
        self.deadline = time.monotonic() + seconds
        self.refused_until = 0.0

    def run(self) -> list[Outcome]:
        looked = time.monotonic()
        while True:
            now = time.monotonic()
            if now < self.deadline:
                self._feed(now)
            if len(self.idle) == len(self.lanes) and (not self.requests or now >= self.deadline):
                break
            for key, events in self.selector.select(0.05):
                if events & selectors.EVENT_WRITE:
                    self._write(key.data)
                if events & selectors.EVENT_READ and key.data.socket is not None:
                    self._read(key.data)
            if now - looked > 0.5:
                looked = now
                for lane in self.lanes:
                    if lane.request is not None and now - lane.began > self.patience:
                        self._over(lane, SILENT)
        for lane in self.lanes:
            self._hang_up(lane)
        self.selector.close()
        return self.outcomes

    def _feed(self, now: float) -> None:
        """Give every idle lane its next request; where nobody listens, try again soon."""
        while self.requests and self.idle and now >= self.refused_until:
            lane = self.idle[0]
            if lane.socket is None and not self._dial(lane):
                self.refused_until = now + _AGAIN
                return
            self.idle.popleft()
            lane.request = self.requests.popleft()
            lane.began, lane.sent = time.monotonic(), time.time()
            lane.left = memoryview(lane.request.data)
            self._write(lane)

    def _dial(self, lane: _Lane) -> bool:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.settimeout(self.patience)
            made.connect((HOST, self.port))  # on loopback at once, or refused
        except OSError:
            made.close()
            return False
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lane.socket, lane.reader = made, _Reader()
        self.selector.register(made, selectors.EVENT_READ, lane)
        return True

    def _write(self, lane: _Lane) -> None:
        assert lane.socket is not None
        try:
            while lane.left:
                lane.left = lane.left[lane.socket.send(lane.left[:_CHUNK]) :]
        except BlockingIOError:
            self.selector.modify(lane.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, lane)
            return
        except OSError:
            lane.left = memoryview(b"")  # it may have answered before it closed: reading tells
        self.selector.modify(lane.socket, selectors.EVENT_READ, lane)

    def _read(self, lane: _Lane) -> None:
        assert lane.socket is not None
        try:
            piece = lane.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        lane.reader.data += piece
        if lane.request is None:  # closed while idle, or something that nobody asked for
            self._hang_up(lane)
            return
        answer = lane.reader.next(ended=not piece)
        if answer is not None:
            self._over(lane, answer.status, answer)
        elif not piece:
            self._over(lane, CLOSED)

    def _over(self, lane: _Lane, status: int, answer: Answer | None = None) -> None:
        request = lane.request
        assert request is not None
        seconds = time.monotonic() - lane.began
        replayed = answer is not None and b"idempotent-replayed: true" in answer.head.lower()
        self.outcomes.append(Outcome(request.kind, request.key, status, lane.sent, seconds, replayed))
        if answer is None or lane.left or request.last or b"connection: close" in answer.head.lower():
            self._hang_up(lane)
        lane.request, lane.left = None, memoryview(b"")
        self.idle.append(lane)

    def _hang_up(self, lane: _Lane) -> None:
        if lane.socket is not None:
            self.selector.unregister(lane.socket)
            lane.socket.close()
            lane.socket = None


def send_all(
    port: int, requests: Iterable[Prepared], *, connections: int = 16, seconds: float = 60.0, patience: float = 30.0
) -> list[Outcome]:
    """Send in this order, each as soon as a connection is free, until none is left or ``seconds`` are over; answers are waited for.

    Whoever gets neither an answer nor a closed connection within ``patience`` (seconds) is `SILENT`. While nobody listens on the port it
    waits, and uses up no request.
    """
    return _Sender(port, requests, connections, seconds, patience).run()


class Sending:
    """A process that sends."""

    def __init__(self, process: subprocess.Popen[bytes], results: Path) -> None:
        self.process, self._results = process, results

    def outcomes(self, within: float = 300.0) -> list[Outcome]:
        """All of them, in the order in which they were answered, once it has ended."""
        if self.process.wait(within):
            raise RuntimeError(f"the sender ended with {self.process.returncode}")
        found: list[Outcome] = pickle.loads(self._results.read_bytes())
        return found


@contextlib.contextmanager
def sending(
    port: int, requests: Sequence[Prepared], *, connections: int = 16, seconds: float = 60.0, patience: float = 30.0
) -> Iterator[Sending]:
    """`send_all` in a process of its own, on one core where the system allows that. It has ended when the block has."""
    with tempfile.TemporaryDirectory(prefix="payseal-sending-") as folder:
        orders, results = Path(folder) / "orders", Path(folder) / "results"
        orders.write_bytes(pickle.dumps((port, list(requests), connections, seconds, patience)))
        process = subprocess.Popen([sys.executable, "-m", "attacks.sending", str(orders), str(results)], cwd=_ROOT)
        try:
            yield Sending(process, results)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _main(orders: Path, results: Path) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    port, requests, connections, seconds, patience = pickle.loads(orders.read_bytes())
    found = send_all(port, requests, connections=connections, seconds=seconds, patience=patience)
    results.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    from attacks import sending as itself  # so that what is pickled is found again under its own name

    itself._main(Path(sys.argv[1]), Path(sys.argv[2]))
