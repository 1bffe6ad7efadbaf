"""The ledger: who claimed a request id, whether it is in flight or done, and what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payseal.ledger.memory import MemoryLedger
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome, fingerprint
from payseal.ledger.urls import open_ledger

if TYPE_CHECKING:
    from payseal.ledger.sqlite import SQLiteLedger

__all__ = ["Answer", "Claim", "Ledger", "MemoryLedger", "Outcome", "SQLiteLedger", "fingerprint", "open_ledger"]


def __getattr__(name: str) -> Any:
    # A backend brings its driver with it, and only whoever names it pays for that.
    if name == "SQLiteLedger":
        from payseal.ledger.sqlite import SQLiteLedger

        return SQLiteLedger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
