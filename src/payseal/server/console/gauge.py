"""How full the ledger is, asked now and then: counting millions of ids takes seconds, and a page is not to wait for it each time."""

from __future__ import annotations

import threading
import time
from typing import Final

from payseal.errors import LedgerError
from payseal.ledger import Ledger
from payseal.ledger.stats import Stats

__all__ = ["Gauge"]

_LASTS: Final = 30.0  # seconds


class Gauge:
    """The last reading. `read` takes a new one when the old one has had its time, one caller at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reading = threading.Lock()
        self._stats: Stats | None = None
        self._until = 0.0

    def read(self) -> Stats | None:
        """What the ledger holds, or held half a minute ago; ``None`` while it cannot be asked."""
        if time.monotonic() >= self._until and self._reading.acquire(blocking=False):
            try:
                self._stats = self._ledger.stats()
            except LedgerError:
                self._stats = None
            finally:
                self._until = time.monotonic() + _LASTS
                self._reading.release()
        return self._stats
