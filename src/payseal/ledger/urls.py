"""Which ledger a URL names. A backend's module, and with it its driver, is imported only when its URL is opened."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from payseal.errors import LedgerError
from payseal.ledger.memory import MemoryLedger
from payseal.ledger.protocol import Ledger

__all__ = ["open_ledger"]

_Clock = Callable[[], float] | None


def _memory(kind: str, rest: str, clock: _Clock) -> Ledger:
    if rest:
        raise LedgerError("memory:// takes nothing after it: the ledger lives in this process alone")
    return MemoryLedger(clock=clock or time.time)


def _sqlite(kind: str, rest: str, clock: _Clock) -> Ledger:
    from payseal.ledger.sqlite import SQLiteLedger

    # As SQLAlchemy has it: three slashes and a relative path, or four, of which the last begins an absolute one.
    if not rest.startswith("/") or "?" in rest:
        raise LedgerError("a SQLite ledger is sqlite:///relative.db or sqlite:////absolute.db, without host and options")
    return SQLiteLedger(rest[1:], clock=clock or time.time)


def _postgresql(kind: str, rest: str, clock: _Clock) -> Ledger:
    from payseal.ledger.postgresql import PostgreSQLLedger

    return PostgreSQLLedger(f"{kind}://{rest}", clock=clock)


def _redis(kind: str, rest: str, clock: _Clock) -> Ledger:
    from payseal.ledger.redis import RedisLedger

    return RedisLedger(f"{kind}://{rest}", clock=clock)


#: URL scheme → what opens the rest of the URL, and how such a URL looks.
_BACKENDS: Final[dict[str, tuple[Callable[[str, str, _Clock], Ledger], str]]] = {
    "memory": (_memory, "memory://"),
    "sqlite": (_sqlite, "sqlite:///ledger.db"),
    "postgresql": (_postgresql, "postgresql://host/database"),
    "redis": (_redis, "redis://host"),
    "rediss": (_redis, "rediss://host"),
    "valkey": (_redis, "valkey://host"),
    "valkeys": (_redis, "valkeys://host"),
}


def open_ledger(url: str, *, clock: Callable[[], float] | None = None) -> Ledger:
    """The ledger that a URL names: ``memory://``, ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
    ``postgresql://user:password@host:port/database``, ``redis://:password@host:port/0`` (``rediss://`` with TLS) or ``valkey://…``.

    ``clock`` gives seconds since the epoch. Without one it is this machine's, and for a ledger on a server the server's, which is the same
    for all who share it. Raises `MissingExtra` when the backend's driver is not installed, `LedgerError` for a URL of no known kind, and when the ledger cannot be opened.
    No message repeats the URL, which may hold a password.
    """
    match = re.fullmatch(r"([a-z][a-z0-9+.-]{0,30})://(.*)", url, re.DOTALL)
    if match is None or match[1] not in _BACKENDS:
        kind = f"{match[1]}:// is not a ledger" if match else "the ledger's URL has no kind"
        raise LedgerError(f"{kind}; known are: {', '.join(example for _, example in _BACKENDS.values())}")
    return _BACKENDS[match[1]][0](match[1], match[2], clock)
