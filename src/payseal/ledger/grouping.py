"""Calls made at the same moment, sent together: one statement, one pipeline or one transaction for all of them.

Whoever calls puts a job in the queue and gets a `concurrent.futures.Future`. One thread a ledger takes what is there and runs it as a
group, while the next group forms behind it: a caller who is alone goes at once, and under load the groups grow by themselves.
"""

from __future__ import annotations

import abc
import contextlib
import heapq
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from payseal.errors import LedgerError
from payseal.ledger import rules
from payseal.ledger.post import Post
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome
from payseal.ledger.stats import Stats

if TYPE_CHECKING:
    import asyncio

__all__ = ["ClaimJob", "CompleteJob", "GroupedLedger", "Grouping", "Job", "ReleaseJob", "StatsJob"]

_T = TypeVar("_T")

#: Looked up once: an enumeration's members are found by a search.
_FRESH: Final = Outcome.FRESH
#: Jobs in one group at most: what a statement or a pipeline carries without making its first caller wait for its last.
_GROUP: Final = 512
#: Jobs that may wait. More of them would only find out later that it is too late.
_WAITING: Final = 20_000
#: Seconds without a job after which the thread ends. The next job starts another.
_IDLE: Final = 10.0
#: Seconds that a caller waits beyond its deadline.
_GRACE: Final = 0.25


@dataclass(slots=True, eq=False)
class Job:
    """One call. ``deadline`` is a time of `time.monotonic`: a job that starts later than that fails instead."""

    deadline: float
    future: Future[Any] = field(default_factory=Future)

    def starts(self, now: float) -> bool:
        """Whether it is to be run. Afterwards it can no longer be cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if now > self.deadline:
            self.fail(LedgerError("the ledger is too busy: a call waited for its turn until it was too late"))
            return False
        return True

    def give(self, result: object) -> None:
        """Tell the caller."""
        self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell the caller, unless it has been told."""
        if not self.future.done():
            # An exception of its own for each: raising one adds to its traceback.
            self.future.set_exception(LedgerError(str(error)) if isinstance(error, LedgerError) else error)


@dataclass(slots=True, eq=False, kw_only=True)
class ClaimJob(Job):
    """See `Ledger.claim`."""

    scope: str
    id: str
    fingerprint: bytes
    ttl: float
    lease: float
    redo: bool
    #: Made before it is sent, so that the same claim, sent twice, is one claim.
    holder: str = field(default_factory=rules.new_holder)


@dataclass(slots=True, eq=False, kw_only=True)
class CompleteJob(Job):
    """See `Ledger.complete`; ``ttl`` is 0 where none was given."""

    claim: Claim
    answer: Answer | None
    ttl: float


@dataclass(slots=True, eq=False, kw_only=True)
class ReleaseJob(Job):
    """See `Ledger.release`."""

    claim: Claim


@dataclass(slots=True, eq=False, kw_only=True)
class StatsJob(Job):
    """See `Ledger.stats`."""


class Grouping:
    """The queue and its thread. ``run`` is given a group and the time (`time.monotonic`) until which it may take; it tells each job how
    it went, and what it raises is told to those that it did not."""

    def __init__(self, run: Callable[[list[Job], float], None]) -> None:
        self._run = run
        self._numbers = itertools.count()
        self._renew()
        _all.add(self)

    def _renew(self) -> None:
        """Begin anew: a fork copies neither the thread nor those who wait, and perhaps a lock that nobody will open."""
        self._pid = os.getpid()
        self._wake = threading.Condition()
        self._queue: deque[Job] = deque()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._thread: threading.Thread | None = None
        self._closing = False
        #: For callers in event loops.
        self.post = Post()

    def submit(self, job: Job) -> None:
        """Put it in the queue. Raises `LedgerError` when the queue is full."""
        if os.getpid() != self._pid:
            self._renew()  # after a fork that ran no Python hooks (an embedding server's own)
        with self._wake:
            if len(self._queue) >= _WAITING:
                raise LedgerError(f"the ledger is too busy: {_WAITING} calls are waiting")
            self._attend(alone=not self._queue)
            self._queue.append(job)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Call ``what`` in the thread, that many seconds from now. It may submit a job, and must not wait. Closing forgets it."""
        with self._wake:
            if len(self._later) < _WAITING:
                self._attend(alone=True)
                heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), what))

    def close(self) -> None:
        """Run what waits, then end the thread. A later `submit` starts another."""
        if os.getpid() != self._pid:
            self._renew()
        with self._wake:
            thread, self._closing = self._thread, True
            self._later.clear()
            self._wake.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._closing = False

    def _attend(self, *, alone: bool) -> None:
        """Have somebody look at what is put in the queue next, before the lock is let go of."""
        if self._thread is None:
            # A daemon: a ledger that nobody closed must not keep its process from ending.
            thread = threading.Thread(target=self._work, name="payseal-ledger", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # too many of them, or the interpreter is on its way out
                raise LedgerError("the ledger cannot start its thread") from None
            self._thread = thread
        elif alone:
            self._wake.notify()

    def _work(self) -> None:
        self.post.collect()
        while jobs := self._next():
            now = time.monotonic()
            group = [job for job in jobs if job.starts(now)]
            if not group:
                self.post.send()
                continue
            try:
                # Until the deadline of the last to come: those before it give up by themselves.
                self._run(group, group[-1].deadline)
            except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits to be told
                for job in group:
                    job.fail(error)
            self.post.send()
            # Nothing is kept of those that were served while waiting for others.
            del jobs, group

    def _next(self) -> Sequence[Job]:
        """The next group; none when it is time to end."""
        while True:
            with self._wake:
                due = self._due()
                if not due:
                    if self._queue:
                        return [self._queue.popleft() for _ in range(min(len(self._queue), _GROUP))]
                    pause = self._later[0][0] - time.monotonic() if self._later else _IDLE
                    woken = not self._closing and self._wake.wait(max(pause, 0.0))
                    if not self._queue and (self._closing or not (woken or self._later)):
                        self._thread = None
                        return ()
            for what in due:
                what()

    def _due(self) -> list[Callable[[], None]]:
        now = time.monotonic()
        due = []
        while self._later and self._later[0][0] <= now:
            due.append(heapq.heappop(self._later)[2])
        return due


_all: weakref.WeakSet[Grouping] = weakref.WeakSet()


def _after_fork() -> None:
    for grouping in list(_all):
        grouping._renew()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class GroupedLedger(Ledger):
    """What the backends share that wait for a disk or a network: every call is a job, and a group of jobs is one step of `_run`.

    ``timeout`` is how long (seconds) a call may take before it raises `LedgerError`. The calls named ``…_soon`` give a future at once,
    for callers that wait in their own way; they keep their own time.

    A caller that leaves while its claim is on its way gets no claim, and yet one may be made. It is released as soon as it is known,
    so that an honest retry is neither called a replay nor has to wait for the lease to end.
    """

    blocking = True

    def __init__(self, clock: Callable[[], float] | None, timeout: float) -> None:
        self._clock = clock
        #: Seconds that a call may take.
        self.timeout = timeout
        #: Seconds after which whoever waits for a future may give up: a moment more, since what the backend says is better than silence.
        self.patience = timeout + _GRACE
        self._grouping = Grouping(self._run)

    def claim(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Claim:
        future = self.claim_soon(scope, id, fingerprint, ttl, lease=lease, redo=redo)
        try:
            return self._answered(future)
        except BaseException:
            self.abandon(future)
            raise

    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        return self._answered(self.complete_soon(claim, answer, ttl=ttl))

    def release(self, claim: Claim) -> bool:
        return self._answered(self.release_soon(claim))

    def stats(self) -> Stats:
        job = StatsJob(self._deadline())
        self._grouping.submit(job)
        stats: Stats = self._answered(job.future)
        return stats

    def claim_soon(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Future[Claim]:
        """`claim`, as a future. Whoever does not wait for its end gives it to `abandon`."""
        rules.check_durations(ttl, lease)
        rules.check_text(scope, id)
        job = ClaimJob(self._deadline(), scope=scope, id=id, fingerprint=fingerprint, ttl=ttl, lease=lease, redo=redo)
        self._grouping.submit(job)
        return job.future

    def complete_soon(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> Future[bool]:
        """`complete`, as a future."""
        rules.check_durations(ttl)
        rules.check_answer(answer)
        return self._settled_soon(claim, CompleteJob(self._deadline(), claim=claim, answer=answer, ttl=ttl or 0.0))

    def release_soon(self, claim: Claim) -> Future[bool]:
        """`release`, as a future."""
        return self._settled_soon(claim, ReleaseJob(self._deadline(), claim=claim))

    def awaited(self, future: Future[_T]) -> asyncio.Future[_T]:
        """The result of one of the calls named ``…_soon``, for this event loop. To cancel it does not take the call back: a claim that
        nobody waits for any more belongs to `abandon`."""
        return self._grouping.post.awaited(future)

    def abandon(self, future: Future[Claim]) -> None:
        """Nobody waits for this claim any more: it is not sent, or released when it turns out to be made."""
        if not future.cancel():
            future.add_done_callback(self._let_go)

    def _let_go(self, future: Future[Claim]) -> None:
        if not future.cancelled() and future.exception() is None and future.result().outcome is Outcome.FRESH:
            with contextlib.suppress(LedgerError):  # a queue that is full: the lease ends it
                self.release_soon(future.result())

    def _settled_soon(self, claim: Claim, job: CompleteJob | ReleaseJob) -> Future[bool]:
        if claim.outcome is _FRESH:
            self._grouping.submit(job)
        else:
            job.give(False)
        return job.future

    def _answered(self, future: Future[_T]) -> _T:
        try:
            return future.result(self.patience)
        except TimeoutError:
            future.cancel()
            raise LedgerError(f"the ledger did not answer within {self.timeout:g} s") from None

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout

    @abc.abstractmethod
    def _run(self, jobs: list[Job], deadline: float) -> None:
        """Do all of it, in as few steps as the backend allows, and tell each job."""
