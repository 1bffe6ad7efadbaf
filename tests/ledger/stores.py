"""Where does a ledger keep its claims, how is it opened, cut off and killed? The same few things for each backend."""

from __future__ import annotations

import abc
import contextlib
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from payseal.ledger import Ledger, MemoryLedger, PostgreSQLLedger, RedisLedger, SQLiteLedger, open_ledger
from tests.ledger.cut import Wire
from tests.servers import PostgresServer, ValkeyServer

__all__ = ["MemoryStore", "PostgresStore", "RemoteStore", "SQLiteStore", "Store", "ValkeyStore"]

_Clock = Callable[[], float]


class Store(abc.ABC):
    """``url`` is for other processes, where they can share it."""

    url: str | None = None
    #: Seconds by which it may misjudge a moment.
    grain = 0.0
    #: Whether it also counts real time.
    real = False
    #: Whether what is over leaves with the next claims, and not by itself or after some hundreds.
    forgets = False

    @abc.abstractmethod
    def empty(self) -> None:
        """Without claims, while no ledger is open."""

    @abc.abstractmethod
    def open(self, clock: _Clock) -> Ledger:
        """A ledger, as another process would open it."""

    def watch(self, clock: _Clock) -> Ledger:
        """A ledger to look on with, whose wire is not cut."""
        return self.open(clock)

    def connections(self) -> set[int]:
        """The names that a server has for those who are connected; whoever is gone from here can do nothing any more."""
        return set()

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of what it needs."""


class MemoryStore(Store):
    """Its ledgers are one: nobody else sees it."""

    forgets = True

    def __init__(self) -> None:
        self._ledger: Ledger | None = None

    def empty(self) -> None:
        self._ledger = None

    def open(self, clock: _Clock) -> Ledger:
        if self._ledger is None:
            self._ledger = MemoryLedger(clock=clock)
        return self._ledger


class SQLiteStore(Store):
    """A file; each time it is emptied another one."""

    forgets = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self.empty()

    def empty(self) -> None:
        for each in self._folder.glob("ledger-*"):
            each.unlink()
        self._path = self._folder / f"ledger-{next(self._numbers)}.db"
        self.url = f"sqlite:///{self._path}"

    def open(self, clock: _Clock) -> Ledger:
        return SQLiteLedger(self._path, clock=clock)


class RemoteStore(Store):
    """On a server, which can be killed and started again. Its ledgers speak over a wire that can be cut."""

    server: PostgresServer | ValkeyServer
    url: str
    wire: Wire

    def watch(self, clock: _Clock) -> Ledger:
        return open_ledger(self.url, clock=clock)

    def hang_up(self) -> None:
        """Break every connection, between two calls."""
        for each in list(self.wire._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.wire._open.clear()

    def close(self) -> None:
        self.wire.close()


class PostgresStore(RemoteStore):
    server: PostgresServer

    def __init__(self, server: PostgresServer) -> None:
        self.server, self.url = server, server.url
        self._path = server.url.rpartition("host=")[2] + "/.s.PGSQL.5432"
        self.wire = Wire(lambda: _reached(socket.AF_UNIX, self._path))

    def empty(self) -> None:
        self.server.empty()

    def connections(self) -> set[int]:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return {row[0] for row in self.server.execute(query)}

    def open(self, clock: _Clock) -> Ledger:
        url = f"postgresql://postgres@127.0.0.1:{self.wire.port}/postgres?sslmode=disable&gssencmode=disable"
        return PostgreSQLLedger(url, clock=clock, timeout=10)


class ValkeyStore(RemoteStore):
    """Takes ids out by the server's clock, whatever clock a ledger is given, and counts milliseconds."""

    server: ValkeyServer
    grain = 0.002
    real = True

    def __init__(self, server: ValkeyServer) -> None:
        self.server, self.url = server, server.url
        self.wire = Wire(lambda: _reached(socket.AF_INET, ("127.0.0.1", server.port)))

    def empty(self) -> None:
        self.server.client.flushall()

    def connections(self) -> set[int]:
        return {int(each["id"]) for each in self.server.client.client_list()}

    def open(self, clock: _Clock) -> Ledger:
        return RedisLedger(f"redis://127.0.0.1:{self.wire.port}", clock=clock, timeout=10)


def _reached(family: int, address: Any) -> socket.socket:
    """A socket to the server; one that is at its end where there is no server."""
    client = socket.socket(family)
    try:
        client.connect(address)
    except OSError:
        client.close()
        client, other = socket.socketpair()
        other.close()
    return client
