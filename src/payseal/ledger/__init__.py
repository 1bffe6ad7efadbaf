"""The ledger: who claimed a request id, whether it is in flight or done, and what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payseal.ledger.memory import MemoryLedger
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome, fingerprint
from payseal.ledger.stats import Stats
from payseal.ledger.urls import open_ledger

if TYPE_CHECKING:
    from payseal.ledger.postgresql import PostgreSQLLedger
    from payseal.ledger.redis import RedisLedger
    from payseal.ledger.sqlite import SQLiteLedger

__all__ = [
    "Answer",
    "Claim",
    "Ledger",
    "MemoryLedger",
    "Outcome",
    "PostgreSQLLedger",
    "RedisLedger",
    "SQLiteLedger",
    "Stats",
    "fingerprint",
    "open_ledger",
]


def __getattr__(name: str) -> Any:
    # A backend brings its driver with it, and only whoever names it pays for that.
    if name == "SQLiteLedger":
        from payseal.ledger.sqlite import SQLiteLedger

        return SQLiteLedger
    if name == "PostgreSQLLedger":
        from payseal.ledger.postgresql import PostgreSQLLedger

        return PostgreSQLLedger
    if name == "RedisLedger":
        from payseal.ledger.redis import RedisLedger

        return RedisLedger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
