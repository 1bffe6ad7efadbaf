"""A clock that a test can move, and one ledger of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from payseal.ledger import Ledger, MemoryLedger
from payseal.ledger.sqlite import SQLiteLedger


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Ledger]:
    made: Ledger = MemoryLedger(clock=clock) if request.param == "memory" else SQLiteLedger(tmp_path / "ledger.db", clock=clock)
    yield made
    made.close()
