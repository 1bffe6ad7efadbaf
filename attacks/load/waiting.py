"""Clients that keep the server waiting: slow ones, silent ones, ones that leave or do not read. Good ones are served beside them."""

from __future__ import annotations

import contextlib
import select
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from attacks.load.heads import PAGE
from attacks.load.requests import Maker, http
from attacks.load.served import good_clients
from attacks.rows import Row, Tally
from attacks.sandbox_process import SandboxProcess, Usage
from attacks.sending import Client

from payseal.server.sandbox.connections import SECONDS

__all__ = ["Crowd", "waiting"]

_TESTS: Final = "tests/test_attacks_load.py"
#: Seconds after its limit within which the server has to have ended a connection; on a machine with nothing else to do, it takes two.
_LATE: Final = 8.0
#: Bytes that an idle connection may cost.
_IDLE_COST: Final = 16 * 1024


@dataclass
class Crowd:
    """Clients that keep the server waiting, all in the same way: ``begun`` is sent, then ``drip``, a byte a second. The server has to end
    each within ``limit`` seconds. Whether those that do not read (``reads``) are still connected is for the server to say."""

    what: str
    limit: float
    begun: bytes = b""
    drip: bytes = b""
    reads: bool = True
    clients: list[Client] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)

    def connect(self, port: int, count: int) -> None:
        self.clients = [Client(port) for _ in range(count)]
        for client in self.clients:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.socket.send(self.begun)

    def look(self, second: int, peers: set[int]) -> None:
        """A byte more from each that is left, and see who was ended. ``peers`` are the clients that the server still has."""
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.socket.send(self.drip[second : second + 1])
        for client in self._answered() if self.reads else [each for each in self.clients if each.port not in peers]:
            answer = client.answer(1.0) if self.reads else None
            self.ended["connection closed" if answer is None else f"{answer.status}, connection closed"] += 1
            client.close()
            self.clients.remove(client)

    def _answered(self) -> list[Client]:
        poll, of = select.poll(), {client.socket.fileno(): client for client in self.clients}
        for number in of:
            poll.register(number, select.POLLIN)
        return [of[number] for number, _ in poll.poll(0)]

    def row(self) -> Row:
        tally = Tally(self.what, _TESTS)
        for what, times in self.ended.items():
            (tally.through if what.startswith("2") else tally.held)(what, times)
        if self.clients:
            tally.through(f"still there after {self.limit + _LATE:g} s", len(self.clients))
        for client in self.clients:
            client.close()
        return tally.row()


def waiting(sandbox: SandboxProcess, maker: Maker, *, each: int, idle: int) -> list[Row]:
    _, method, path, headers, body = maker.good("fiserv")
    whole = http(method, path, headers, body)
    head, (to_head, to_body) = whole[: -len(body)], (SECONDS["head"], SECONDS["body"])
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: sandbox\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmore"
    crowds = [
        Crowd("a head that comes a byte a second", to_head, drip=whole),
        Crowd("half a head, then silence", to_head, head[: len(head) // 2]),
        Crowd("a body that comes a byte a second", to_body, head, body),
        Crowd("half a body, then silence", to_body, whole[: -len(body) // 2]),
        Crowd("a page asked for 1,000 times, no answer read", SECONDS["unread"], PAGE * 1000, reads=False),
    ]
    crowd_of_idle = Crowd("connections opened, nothing sent", to_head)
    with good_clients(sandbox, maker) as served:
        rows = [_left_halfway(sandbox, whole, each), _after_upgrade(sandbox, upgrade, each)]
        before = sandbox.usage()
        crowd_of_idle.connect(sandbox.port, idle)
        rows.append(_idle_cost(sandbox, before, idle))
        for crowd in crowds:
            crowd.connect(sandbox.port, each if crowd.reads else each // 4)
        crowds.append(crowd_of_idle)
        began = time.monotonic()
        for second in range(int(max(crowd.limit for crowd in crowds) + _LATE)):
            time.sleep(max(0.0, began + second + 1 - time.monotonic()))
            peers = sandbox.peers()
            for crowd in crowds:
                crowd.look(second, peers)
            if not any(crowd.clients for crowd in crowds):
                break
    return [*rows, *(crowd.row() for crowd in crowds), served.row("good payments beside all of these")]


def _left_halfway(sandbox: SandboxProcess, whole: bytes, count: int) -> Row:
    """Clients that leave in the middle of a request, at every tenth of it."""
    tally = Tally("half a request, then the client leaves", _TESTS)
    before = sandbox.usage().descriptors
    for number in range(count):
        with Client(sandbox.port) as client:
            client.send(whole[: len(whole) * (number % 9 + 1) // 10])
    deadline = time.monotonic() + _LATE
    while (left := sandbox.usage().descriptors - before) > 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    if left > 3:  # good clients come and go
        tally.through("the server still holds their connections", count)
    else:
        tally.held("nothing is left of it", count)
    return tally.row()


def _after_upgrade(sandbox: SandboxProcess, upgrade: bytes, count: int) -> Row:
    """What follows a request for another protocol is read by nobody: so the connection has to end."""
    tally = Tally("a request that wants another protocol, and bytes behind it", _TESTS)
    for _ in range(count):
        with Client(sandbox.port) as client:
            client.send(upgrade)
            answered = client.answer()
            try:
                ended = answered is None or client.answer(3.0) is None
            except TimeoutError:
                ended = False
            (tally.held if ended else tally.through)("answered, and closed" if ended else "neither an answer nor a closed connection")
    return tally.row()


def _idle_cost(sandbox: SandboxProcess, before: Usage, count: int) -> Row:
    tally = Tally(f"memory of {count:,} idle connections", _TESTS)
    time.sleep(1.0)
    cost = max(0, sandbox.usage().memory - before.memory) / count
    (tally.held if cost <= _IDLE_COST else tally.through)(f"{cost / 1024:.1f} KiB each", count)
    return tally.row()
