"""The ledger in memory: bounded in time and in size."""

from __future__ import annotations

import itertools

import pytest

from payseal import LedgerError
from payseal.ledger import Answer, MemoryLedger, Outcome
from tests.clock import Clock


def test_expired_ids_leave_by_themselves_a_few_a_call(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    for number in range(1000):
        ledger.claim("s", str(number), b"", 600).complete(Answer(200, body=b"x" * 100))
    clock.now += 602
    sizes = []
    for number in range(100):
        ledger.claim("s", f"new-{number}", b"", 600)
        sizes.append(ledger.size)
    assert max(earlier - later for earlier, later in itertools.pairwise(sizes)) <= 16  # no call stops the world
    assert sizes[-1] == 100
    assert ledger._bytes == 0


def test_ids_that_come_and_go_leave_nothing_behind(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    for _ in range(5000):
        clock.now += 0.01
        ledger.claim("s", "same", b"", 600).release()
    assert ledger.size == 0
    assert len(ledger._seconds) == len(ledger._by_second) <= 51  # one a second that went by


def test_a_full_ledger_refuses_and_forgets_no_live_id(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock, max_entries=2)
    ledger.claim("s", "1", b"", 600)
    ledger.claim("s", "2", b"", 600)
    with pytest.raises(LedgerError, match="max_entries"):
        ledger.claim("s", "3", b"", 600)
    assert ledger.claim("s", "1", b"", 600).outcome is Outcome.IN_FLIGHT
    clock.now += 601
    assert ledger.claim("s", "3", b"", 600).outcome is Outcome.FRESH


def test_answers_beyond_the_bound_are_marked_done_without_a_body(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock, max_bytes=150)
    ledger.claim("s", "1", b"", 600).complete(Answer(200, body=b"x" * 100))
    ledger.claim("s", "2", b"", 600).complete(Answer(200, body=b"x" * 100))
    again = ledger.claim("s", "2", b"", 600)
    assert (again.outcome, again.answer) == (Outcome.DONE, None)
    clock.now += 602
    ledger.claim("s", "3", b"", 600).complete(Answer(200, body=b"x" * 100))  # the first has left
    assert ledger.claim("s", "3", b"", 600).answer == Answer(200, body=b"x" * 100)


def test_an_empty_ledger_is_a_ledger() -> None:
    assert bool(MemoryLedger())  # it must survive `ledger or another`
