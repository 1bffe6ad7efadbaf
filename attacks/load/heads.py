"""Heads without end, and requests sent ahead: each gets its own answer, and none takes more memory than it may."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from attacks.load.audit import on_record
from attacks.load.requests import GOOD, Maker
from attacks.rows import Row, Tally
from attacks.sandbox_process import SandboxProcess
from attacks.sending import Answer, Client, exchange

__all__ = ["PAGE", "heads"]

_TESTS: Final = "tests/test_attacks_load.py"
#: A large answer, asked for with few bytes.
PAGE: Final = b"GET /reference/fiserv HTTP/1.1\r\nHost: sandbox\r\n\r\n"
#: Bytes that requests which are sent ahead may take.
_GROWTH: Final = 16 * 1_048_576


def heads(sandbox: SandboxProcess, maker: Maker, seconds: float) -> list[Row]:
    begun = b"GET /healthz HTTP/1.1\r\nHost: sandbox\r\n"
    bombs = Tally(
        "heads of 64 KiB and more: 1,000 long headers, a line of 1 MiB, 100,000 cookies, a target of 1 MiB, a head of 64 MiB", _TESTS
    )
    for data in (
        begun + b"".join(b"x-%d: %s\r\n" % (number, b"y" * 100) for number in range(1000)) + b"\r\n",
        begun + b"x: " + b"y" * 1_048_576 + b"\r\n\r\n",
        begun + b"cookie: a=b\r\n" * 100_000 + b"\r\n",
        b"GET /" + b"a" * 1_048_576 + b" HTTP/1.1\r\nHost: sandbox\r\n\r\n",
        begun + b"x: " + b"y" * 67_108_864,
    ):
        _refused(bombs, partial(exchange, sandbox.port, data), {431, 400})
    small = Tally("1,000 headers in 20 KiB, which may be", _TESTS)
    short = begun + b"".join(b"x-%d: y\r\n" % number for number in range(1000)) + b"\r\n"
    _refused(small, partial(exchange, sandbox.port, short), {200})
    return [bombs.row(), small.row(), _each_verified(sandbox, maker), _not_anothers(sandbox, maker), _pipelines(sandbox, seconds)]


def _refused(tally: Tally, ask: Callable[[], Answer | None], statuses: set[int]) -> None:
    try:
        answer = ask()
    except TimeoutError:
        tally.through("neither an answer nor a closed connection")
        return
    if answer is None:
        tally.held("connection closed")
    else:
        (tally.held if answer.status in statuses else tally.through)(str(answer.status))


def _each_verified(sandbox: SandboxProcess, maker: Maker) -> Row:
    """Forty requests in one piece on one connection: each gets its own answer, in its place."""
    tally = Tally("good, tampered, stale and unknown requests in turn, forty in one piece", _TESTS)
    kinds = ("fiserv", "tampered", "startbutton", "stale", "unknown key") * 8
    wanted = [{200} if kind in GOOD else {401} for kind in kinds]
    with Client(sandbox.port) as client:
        client.send(b"".join(maker.prepared(kind).data for kind in kinds))
        for statuses in wanted:
            _refused(tally, client.answer, statuses)
    return tally.row()


def _not_anothers(sandbox: SandboxProcess, maker: Maker) -> Row:
    """What follows a payment is refused: not in the place of the payment's answer."""
    tally = Tally("a payment, and bytes that are not HTTP behind it in one piece", _TESTS)
    for tail in (b"\0\xff garbage\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000):
        payment = maker.prepared("fiserv")
        with Client(sandbox.port) as client:
            client.send(payment.data + tail)
            _refused(tally, client.answer, {200})
        if on_record(sandbox.folder / "sandbox.db").get(payment.key) != 1:
            tally.through("not on record once")
    return tally.row()


def _pipelines(sandbox: SandboxProcess, seconds: float) -> Row:
    """Requests sent ahead without end, by a client that reads no answer: what is read of them has to have a limit."""
    tally = Tally(f"requests sent ahead without end, no answer read, on four connections for {seconds:g} s", _TESTS)
    before, clients = sandbox.usage().memory, [Client(sandbox.port) for _ in range(4)]
    ahead, deadline = PAGE * 4000, time.monotonic() + seconds
    for client in clients:
        client.socket.setblocking(False)
    while time.monotonic() < deadline:
        for client in clients:
            with contextlib.suppress(OSError):
                client.socket.send(ahead)
        time.sleep(0.001)
    grown = max(0, sandbox.usage().memory - before)
    for client in clients:
        client.close()
    (tally.held if grown < _GROWTH else tally.through)(f"{grown / 1_048_576:,.0f} MiB more memory", len(clients))
    return tally.row()
