"""The queue in front of a ledger: groups form by themselves, a failure stays in its group, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from payseal import LedgerError
from payseal.ledger import Claim, Outcome, grouping
from payseal.ledger.grouping import ClaimJob, GroupedLedger, Grouping, Job, ReleaseJob


class Gate:
    """Runs groups when the test says so, and remembers them."""

    def __init__(self) -> None:
        self.groups: list[list[Job]] = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def __call__(self, jobs: list[Job], deadline: float) -> None:
        self.groups.append(jobs)
        self.entered.set()
        assert self.go.wait(10)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        for job in jobs:
            job.give("done")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def queue(gate: Gate) -> Iterator[Grouping]:
    queue = Grouping(gate)
    yield queue
    gate.go.set()
    queue.close()


def job(seconds: float = 10.0) -> Job:
    return Job(time.monotonic() + seconds)


def submitted(queue: Grouping, count: int) -> list[Job]:
    jobs = [job() for _ in range(count)]
    for each in jobs:
        queue.submit(each)
    return jobs


def test_who_is_alone_goes_at_once_and_who_comes_meanwhile_goes_together(gate: Gate, queue: Grouping) -> None:
    first = submitted(queue, 1)
    assert gate.entered.wait(5)
    others = submitted(queue, 50)
    gate.go.set()
    assert [each.future.result(5) for each in first + others] == ["done"] * 51
    assert gate.groups == [first, others]


def test_a_group_has_a_bound(gate: Gate, queue: Grouping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "_GROUP", 20)
    submitted(queue, 1)
    assert gate.entered.wait(5)
    others = submitted(queue, 50)
    gate.go.set()
    assert others[-1].future.result(5) == "done"
    assert [len(group) for group in gate.groups] == [1, 20, 20, 10]


@pytest.mark.parametrize("error", [LedgerError("down"), RuntimeError("a mistake"), SystemExit()])
def test_what_goes_wrong_in_a_group_is_told_to_that_group_alone(gate: Gate, queue: Grouping, error: BaseException) -> None:
    first = submitted(queue, 1)
    assert gate.entered.wait(5)
    others = submitted(queue, 2)
    gate.error = error
    gate.go.set()
    assert type(first[0].future.exception(5)) is type(error)
    assert [each.future.result(5) for each in others] == ["done"] * 2


def test_each_of_a_group_is_given_an_exception_of_its_own(gate: Gate, queue: Grouping) -> None:
    first, second = job(), job()
    first.fail(error := LedgerError("down"))
    second.fail(error)
    assert first.future.exception() is not second.future.exception()


def test_a_full_queue_refuses_at_once(gate: Gate, queue: Grouping, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(queue, 1)
    assert gate.entered.wait(5)
    monkeypatch.setattr(grouping, "_WAITING", 10)
    submitted(queue, 10)
    with pytest.raises(LedgerError, match="too busy"):
        queue.submit(job())


def test_a_job_whose_time_is_over_is_not_run(gate: Gate, queue: Grouping) -> None:
    submitted(queue, 1)
    assert gate.entered.wait(5)
    late, good = job(0.05), job()
    queue.submit(late)
    queue.submit(good)
    time.sleep(0.1)
    gate.go.set()
    with pytest.raises(LedgerError, match="too late"):
        late.future.result(5)
    assert good.future.result(5) == "done"
    assert gate.groups[1:] == [[good]]


def test_a_job_that_was_cancelled_is_not_run(gate: Gate, queue: Grouping) -> None:
    submitted(queue, 1)
    assert gate.entered.wait(5)
    (gone,) = submitted(queue, 1)
    assert gone.future.cancel()
    gate.go.set()
    queue.close()
    with pytest.raises(CancelledError):
        gone.future.result(5)
    assert len(gate.groups) == 1


def test_closing_runs_what_waits_and_ends_the_thread_and_a_later_job_starts_another(gate: Gate, queue: Grouping) -> None:
    jobs = submitted(queue, 3)
    thread = queue._thread
    assert thread is not None
    assert thread.daemon
    gate.go.set()
    queue.close()
    queue.close()
    assert not thread.is_alive()
    assert all(each.future.result(0) == "done" for each in jobs)
    assert submitted(queue, 1)[0].future.result(5) == "done"


def test_a_thread_without_work_ends_by_itself(gate: Gate, queue: Grouping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "_IDLE", 0.05)
    gate.go.set()
    submitted(queue, 1)
    thread = queue._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()
    assert submitted(queue, 1)[0].future.result(5) == "done"


def test_what_is_put_off_is_done_when_its_time_has_come(gate: Gate, queue: Grouping) -> None:
    came = threading.Event()
    began = time.monotonic()
    queue.later(0.2, came.set)
    gate.go.set()
    assert submitted(queue, 1)[0].future.result(5) == "done"
    assert came.wait(5)
    assert time.monotonic() - began >= 0.2


class Slow(GroupedLedger):
    """A ledger whose groups wait for the test."""

    def __init__(self, timeout: float = 0.2) -> None:
        super().__init__(None, timeout)
        self.entered, self.go = threading.Event(), threading.Event()
        self.claimed: list[str] = []
        self.released: list[str] = []
        self.failing: set[str] = set()

    def _run(self, jobs: list[Job], deadline: float) -> None:
        self.entered.set()
        assert self.go.wait(10)
        for job in jobs:
            if isinstance(job, ClaimJob) and job.id in self.failing:
                job.fail(LedgerError("down"))
            elif isinstance(job, ClaimJob):
                self.claimed.append(job.id)
                job.give(Claim(self, job.scope, job.id, Outcome.FRESH, holder=job.holder))
            elif isinstance(job, ReleaseJob):
                self.released.append(job.claim.id)
                job.give(True)

    def close(self) -> None:
        self.go.set()
        self._grouping.close()


def test_a_caller_that_gives_up_leaves_no_claim_behind() -> None:
    ledger = Slow()
    began = time.monotonic()
    with pytest.raises(LedgerError, match="did not answer within"):
        ledger.claim("s", "on its way", b"f", 600)
    assert time.monotonic() - began < 1
    with pytest.raises(LedgerError):
        ledger.claim("s", "not sent yet", b"f", 600)
    ledger.go.set()
    ledger.claim("s", "another", b"f", 600)
    ledger.close()
    assert ledger.claimed == ["on its way", "another"]
    assert ledger.released == ["on its way"]


def test_a_future_that_is_abandoned_leaves_no_claim_behind_whenever_that_is() -> None:
    ledger = Slow(timeout=5)
    on_its_way = ledger.claim_soon("s", "on its way", b"f", 600)
    assert ledger.entered.wait(5)
    waiting = ledger.claim_soon("s", "waiting", b"f", 600)
    ledger.abandon(on_its_way)
    ledger.abandon(waiting)
    ledger.go.set()
    made = ledger.claim_soon("s", "made", b"f", 600)
    assert made.result(5).outcome is Outcome.FRESH
    ledger.abandon(made)
    ledger.close()
    assert ledger.claimed == ["on its way", "made"]
    assert sorted(ledger.released) == ["made", "on its way"]


def test_to_cancel_what_is_awaited_leaves_the_claim_to_be_abandoned() -> None:
    ledger = Slow(timeout=5)

    async def run() -> None:
        future = ledger.claim_soon("s", "id", b"f", 600)
        waiter = ledger.awaited(future)
        assert await asyncio.to_thread(ledger.entered.wait, 5)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        ledger.abandon(future)
        ledger.go.set()
        assert (await ledger.awaited(ledger.claim_soon("s", "other", b"f", 600))).outcome is Outcome.FRESH

    asyncio.run(run())
    ledger.close()
    assert (ledger.claimed, ledger.released) == (["id", "other"], ["id"])


def test_what_is_awaited_fails_as_the_future_does() -> None:
    ledger = Slow(timeout=5)

    async def run() -> None:
        futures = [ledger.claim_soon("s", str(number), b"f", 600) for number in range(2)]
        waiters = [ledger.awaited(future) for future in futures]
        assert await asyncio.to_thread(ledger.entered.wait, 5)
        ledger.failing.add("0")
        ledger.go.set()
        with pytest.raises(LedgerError, match="down"):
            await waiters[0]
        assert (await waiters[1]).outcome is Outcome.FRESH
        gone = ledger.claim_soon("s", "gone", b"f", 600)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ledger.awaited(gone)

    asyncio.run(run())
    ledger.close()
