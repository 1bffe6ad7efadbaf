"""The ledger in memory: bounded in time and in size."""

from __future__ import annotations

import itertools
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator

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


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns after a few steps, wherever they are just then."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], None], count: int = 6) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("impatient")
def test_ids_that_threads_claim_while_others_leave_are_all_kept_and_all_leave_in_their_time(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    wrong: list[str] = []

    def work(number: int) -> None:
        for each in range(1500):
            clock.now += 0.01  # ids live for a second: they come and go, and so do the seconds themselves
            name = f"{number}-{each}"
            if ledger.claim("s", name, b"", 1, lease=9).outcome is not Outcome.FRESH:
                wrong.append(name)
            if each % 7 == 0 and ledger.claim("s", f"long-{name}", b"", 10_000).outcome is not Outcome.FRESH:
                wrong.append(f"long-{name}")

    together(work)
    clock.now += 100
    lives = {f"long-{number}-{each}" for number in range(6) for each in range(0, 1500, 7)}
    for number in range(2000):
        ledger.claim("s", f"after-{number}", b"", 10_000)
    assert wrong == []
    assert {name for _, name in ledger._entries} == lives | {f"after-{number}" for number in range(2000)}
    assert sorted(ledger._by_second) == sorted(ledger._seconds)
    assert sum(map(len, ledger._by_second.values())) + len(ledger._new) == ledger.size


@pytest.mark.usefixtures("impatient")
def test_of_threads_that_take_over_what_is_over_exactly_one_is_fresh(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    for number in range(300):
        ledger.claim("s", str(number), b"", 5)
    clock.now += 6
    fresh: list[int] = []

    def work(number: int) -> None:
        fresh.extend(each for each in range(300) if ledger.claim("s", str(each), b"", 600).outcome is Outcome.FRESH)

    together(work)
    assert sorted(fresh) == list(range(300))


@pytest.mark.usefixtures("impatient")
def test_threads_at_the_bound_never_get_beyond_it(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock, max_entries=50)
    fresh: list[str] = []

    def work(number: int) -> None:
        for each in range(100):
            try:
                ledger.claim("s", f"{number}-{each}", b"", 600)
            except LedgerError:
                continue
            fresh.append(f"{number}-{each}")

    together(work)
    assert len(fresh) <= 50
    assert ledger.size == len(fresh) > 40
    assert all(ledger.claim("s", each, b"", 600).outcome is Outcome.IN_FLIGHT for each in fresh)


def test_an_id_whose_time_passes_before_it_is_filed_leaves_all_the_same(clock: Clock) -> None:
    class Overtaken(deque[tuple[str, str]]):
        """Before a new id waits to be filed, its time passes, and others take out what is over."""

        def append(self, key: tuple[str, str]) -> None:
            clock.now += 100
            for _ in range(3):
                ledger._forget(clock.now)
            super().append(key)

    ledger = MemoryLedger(clock=clock)
    ledger.claim("s", "before", b"", 10)
    ledger._new = Overtaken(ledger._new)
    late = ledger.claim("s", "late", b"", 10)
    assert late.outcome is Outcome.FRESH
    assert [name for _, name in ledger._entries] == ["late"]
    ledger._new = deque(ledger._new)
    ledger.claim("s", "after", b"", 10)
    assert [name for _, name in ledger._entries] == ["after"]  # it did leave in its time


def test_what_a_step_back_of_the_clock_interrupts_leaves_all_the_same(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    for number in range(100):
        ledger.claim("s", str(number), b"", 10)
    clock.now += 11
    ledger.claim("s", "first", b"", 10)  # takes out some, not all
    clock.now -= 2
    for number in range(20):
        ledger.claim("s", f"back-{number}", b"", 10)
    clock.now += 10_000
    for number in range(50):
        ledger.claim("s", f"later-{number}", b"", 600)
    assert ledger.size == 50


def test_a_clock_that_is_put_back_to_a_time_whose_ids_are_forgotten_is_not_believed(clock: Clock) -> None:
    ledger = MemoryLedger(clock=clock)
    began = clock.now
    ledger.claim("s", "paid", b"", 600)
    clock.now = began + 3600
    ledger.claim("s", "another", b"", 600)  # takes the first one out
    clock.now = began + 1
    for name in ("paid", "new"):
        with pytest.raises(LedgerError, match="the clock was put back"):
            ledger.claim("s", name, b"", 600)
    clock.now = began + 600
    assert ledger.claim("s", "new", b"", 600).outcome is Outcome.FRESH
