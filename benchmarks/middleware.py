"""What the ASGI middleware costs: a bare uvicorn application, and the same one behind it. CPU time of the server for each request.

    python benchmarks/middleware.py [--requests 500] [--rounds 40] [--connections 8] [--ledger memory://] [--json FILE]
    python benchmarks/middleware.py --ledger passing    # instead of payseal, a middleware that does nothing
    python benchmarks/middleware.py --ledger reading    # one that reads the body and gives it to the application
    python benchmarks/middleware.py --ledger by-hand    # the least that verifies and remembers

Each server is a process of its own (uvloop, httptools) and the two take turns, round by round, with the very same requests: POST, 256 bytes,
signed beforehand, each with an id of its own. The servers share one core and whoever asks has the other, where the system allows it. A
server tells its own CPU time, so that what else runs on the machine counts as little as can be; `added` is the median over the rounds of the
difference within one round. Whoever asks never sleeps: to wake it up would be the server's work, and more of it for the slower server, whose
answers come one at a time.
"""

from __future__ import annotations

import argparse
import hmac
import json
import multiprocessing
import os
import platform
import secrets
import socket
import statistics
import sys
import threading
import time
import timeit
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from benchmarks.asgi_least import ByHand, Passing, Reading  # noqa: E402

import payseal  # noqa: E402
from payseal import Credential, Request, Signer, Verifier  # noqa: E402
from payseal.middleware import ASGIMiddleware  # noqa: E402

SCHEME = payseal.scheme("fiserv-payments")
SECRET = "correct horse battery staple"
CREDENTIAL = Credential(keyid="key-1", secret=SECRET, account="shop-1")
ANSWER = b'{"paid": true}'
BODY = 256
#: Seconds until a server must listen or answer.
PATIENCE = 20.0
#: Rounds that do not count, in which everything is met for the first time.
_WARMING: Final = 2


async def bare(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Reads the body to its end and answers."""
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def application(ledger: str | None) -> Any:
    """What is served: ``None`` for the bare application."""
    if ledger is None:
        return bare
    if ledger in _LEAST:
        return _LEAST[ledger](bare)
    return ASGIMiddleware(bare, Verifier(SCHEME, {"key-1": CREDENTIAL}), ledger)


#: What stands in the place of payseal, to see what any middleware costs.
_LEAST: Final[dict[str, Callable[[Any], Any]]] = {
    "passing": Passing,
    "reading": Reading,
    "by-hand": lambda app: ByHand(app, SECRET.encode()),
}


def serve(listening: socket.socket, pipe: Connection, core: int | None, ledger: str | None) -> None:
    """A server's whole life. It tells its CPU time (nanoseconds) each time it is asked over the pipe."""
    import uvicorn

    _pin(core)
    app = application(ledger)
    settings: dict[str, Any] = {"lifespan": "off", "log_level": "warning", "access_log": False, "ws": "none", "timeout_keep_alive": 600}
    server = uvicorn.Server(uvicorn.Config(app, loop="uvloop", http="httptools", **settings))

    def tell() -> None:
        while pipe.recv():
            pipe.send(time.process_time_ns())
        server.should_exit = True

    threading.Thread(target=tell, daemon=True).start()
    server.run(sockets=[listening])


@dataclass(frozen=True)
class Server:
    """One of the two, with connections that stay open, and what its rounds have cost."""

    pipe: Connection
    connections: list[socket.socket]
    costs: list[float] = field(default_factory=list)

    def meet(self, requests: list[bytes]) -> None:
        """One round; its cost is microseconds of CPU a request. As many requests are on their way as there are connections."""
        before = self._time()
        for start in range(0, len(requests), len(self.connections)):
            part = requests[start : start + len(self.connections)]
            for connection, request in zip(self.connections, part, strict=False):
                connection.sendall(request)
            for connection, _ in zip(self.connections, part, strict=False):
                _read(connection, time.monotonic() + PATIENCE)
        self.costs.append((self._time() - before) / len(requests) / 1000)

    def _time(self) -> int:
        self.pipe.send(True)
        told: int = self.pipe.recv()
        return told


@contextmanager
def server(core: int | None, ledger: str | None, connections: int) -> Iterator[Server]:
    """A server process, up to its end."""
    ours, theirs = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as stack:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(listening, theirs, core, ledger), daemon=True)
        process.start()
        address = listening.getsockname()
        opened = [stack.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(connections)]
        for each in opened:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.setblocking(False)
        try:
            yield Server(ours, opened)
        finally:
            for each in opened:
                each.close()
            ours.send(False)
            process.join(PATIENCE)


def signed_requests(count: int) -> list[bytes]:
    """Requests as they are on the wire."""
    signer = Signer(SCHEME, CREDENTIAL)
    found = []
    for _ in range(count):
        body = b'{"payment": "%s"}' % secrets.token_hex(BODY // 2).encode()[: BODY - 15]
        headers = {"Host": "pay.example", "Accept": "*/*", "User-Agent": "benchmark/1", "Content-Type": "application/json"}
        pairs = {**headers, "Content-Length": str(BODY), **dict(signer.sign(Request("POST", "/payments/v1/charges", body=body)))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in pairs.items())
        found.append(f"POST /payments/v1/charges HTTP/1.1\r\n{lines}\r\n".encode() + body)
    return found


def measured(ledger: str, requests: int, rounds: int, connections: int) -> dict[str, float]:
    """Microseconds of CPU a request: medians over the rounds, and the quartiles of what is added."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    apart = len(cores) > 1
    with (
        server(cores[0] if apart else None, None, connections) as plain,
        server(cores[0] if apart else None, ledger, connections) as guarded,
    ):
        _pin(cores[-1] if apart else None)
        digest = []
        try:
            for number in range(_WARMING + rounds):
                batch = signed_requests(requests)
                for each in (plain, guarded) if number % 2 else (guarded, plain):
                    each.meet(batch)
                digest.append(_digest_time())
        finally:
            if apart:
                os.sched_setaffinity(0, cores)
    without, behind = plain.costs[_WARMING:], guarded.costs[_WARMING:]
    added = [more - less for less, more in zip(without, behind, strict=True)]
    quartiles = statistics.quantiles([100 * more / less for more, less in zip(added, without, strict=True)], n=4)
    return {
        "bare": statistics.median(without),
        "behind": statistics.median(behind),
        "added": statistics.median(added),
        "added_percent": quartiles[1],
        "added_percent_low": quartiles[0],
        "added_percent_high": quartiles[2],
        "least_bare": min(without),
        "least_behind": min(behind),
        "hmac_digest": statistics.median(digest),
    }


def _pin(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def _read(connection: socket.socket, until: float) -> None:
    """One whole answer, without ever sleeping."""
    answer = b""
    while not answer.endswith(ANSWER):
        try:
            piece = connection.recv(65_536)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("the server does not answer") from None
            continue
        answer += piece
        if not piece or not answer.startswith(b"HTTP/1.1 200"[: len(answer)]):
            raise AssertionError(answer.decode("latin-1") or "the server has closed the connection")


def _digest_time() -> float:
    """Microseconds that HMAC-SHA256 of 256 bytes takes: how fast the machine is just now."""
    return min(timeit.repeat(lambda: hmac.digest(b"key", bytes(BODY), "sha256"), number=300, repeat=5)) / 300 * 1e6


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500, help="in one round, to each server")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--ledger", default="memory://", help="the URL of a ledger, or passing, or reading")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    given = parser.parse_args(argv)
    found = measured(given.ledger, given.requests, given.rounds, given.connections)
    kind = given.ledger.partition(":")[0]  # a URL may hold a password
    print(f"CPU of the server for one request, µs; {given.rounds} rounds of {given.requests}; Python {platform.python_version()}")
    print(f"{'':<28}{'median':>10}{'least':>10}")
    print(f"{'bare uvicorn':<28}{found['bare']:>10.1f}{found['least_bare']:>10.1f}")
    print(f"{f'behind the middleware ({kind})':<28}{found['behind']:>9.1f}{found['least_behind']:>10.1f}")
    spread = f"{found['added_percent_low']:.1f} to {found['added_percent_high']:.1f}"
    print(f"added {found['added']:.1f} µs, {found['added_percent']:.1f} % (half of the rounds: {spread} %)")
    print(f"hmac.digest of {BODY} bytes in the same run: {found['hmac_digest']:.2f} µs")
    if given.json is not None:
        settings = {"requests": given.requests, "rounds": given.rounds, "connections": given.connections, "ledger": kind, "body": BODY}
        given.json.write_text(json.dumps({"unit": "µs of CPU a request", **settings, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
