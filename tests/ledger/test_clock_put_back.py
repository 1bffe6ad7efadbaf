"""A clock that was ahead for a while and is put right: what was forgotten by it is not claimed a second time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from payseal import LedgerError
from payseal.ledger import Ledger, MemoryLedger, Outcome, PostgreSQLLedger, SQLiteLedger
from tests.clock import Clock

TTL = 720.0
HOUR = 3600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, clock: Clock) -> Iterator[SQLiteLedger]:
    with closing(SQLiteLedger(path, clock=clock)) as opened:
        yield opened


def outcome(ledger: SQLiteLedger, name: str) -> Outcome:
    return ledger.claim("s", name, b"f", TTL).outcome


def test_an_id_that_was_forgotten_an_hour_ahead_is_not_fresh_again(ledger: SQLiteLedger, path: Path, clock: Clock) -> None:
    began = clock.now
    assert outcome(ledger, "paid") is Outcome.FRESH
    clock.now += HOUR
    ahead = ledger.claim("s", "ahead", b"f", TTL)  # which takes out what is over
    clock.now = began + 5
    for name in ("paid", "new"):
        with pytest.raises(LedgerError, match=r"put back.* 715 s"):
            outcome(ledger, name)
    with closing(SQLiteLedger(path, clock=clock)) as another, pytest.raises(LedgerError, match="put back"):
        outcome(another, "paid")
    assert ahead.complete()  # what is under way is finished
    clock.now = began + TTL
    assert outcome(ledger, "paid") is Outcome.FRESH  # it would be by now in any case


def test_what_is_refused_takes_nothing_else_of_its_group_with_it(ledger: SQLiteLedger, clock: Clock) -> None:
    ledger.claim("s", "paid", b"f", TTL)
    clock.now += HOUR
    working = ledger.claim("s", "working", b"f", TTL)
    clock.now -= HOUR
    claimed, completed = ledger.claim_soon("s", "other", b"f", TTL), ledger.complete_soon(working)
    assert completed.result(10)
    assert isinstance(claimed.exception(10), LedgerError)


def test_a_clock_that_is_put_back_before_anything_was_forgotten_costs_nothing(ledger: SQLiteLedger, clock: Clock) -> None:
    assert outcome(ledger, "paid") is Outcome.FRESH
    for step in (HOUR, -HOUR, -HOUR, HOUR):
        clock.now += step
        if step < 0:
            assert outcome(ledger, "paid") is Outcome.UNKNOWN if clock.now > 1_790_000_000.0 + 60 else Outcome.IN_FLIGHT


def test_a_step_of_seconds_is_taken(ledger: SQLiteLedger, clock: Clock) -> None:
    outcome(ledger, "first")
    clock.now += TTL
    outcome(ledger, "second")
    clock.now -= 20
    assert outcome(ledger, "third") is Outcome.FRESH


def test_a_file_from_before_this_was_remembered_is_taken(ledger: SQLiteLedger, path: Path, clock: Clock) -> None:
    outcome(ledger, "paid")
    ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE forgotten")
    assert outcome(ledger, "new") is Outcome.FRESH


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_an_id_that_is_claimed_anew_and_given_back_while_the_clock_is_ahead_is_not_fresh_again(
    kind: str, path: Path, clock: Clock, request: pytest.FixtureRequest
) -> None:
    opened: Ledger
    if kind == "memory":
        opened = MemoryLedger(clock=clock)
    elif kind == "sqlite":
        opened = SQLiteLedger(path, clock=clock)
    else:
        opened = PostgreSQLLedger(request.getfixturevalue("postgres").url, clock=clock)
    with closing(opened) as ledger:
        assert ledger.claim("s", "paid", b"f", TTL).complete()
        clock.now += HOUR
        again = ledger.claim("s", "paid", b"f", TTL)
        assert again.outcome is Outcome.FRESH  # it is over, by this clock
        assert again.release()
        clock.now -= HOUR
        with pytest.raises(LedgerError, match="put back"):
            ledger.claim("s", "paid", b"f", TTL)
