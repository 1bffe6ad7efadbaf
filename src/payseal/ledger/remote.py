"""What the backends on a server share: one connection, tried once more when it breaks, and claims of which nobody knows.

**The clock.** Several machines that share a ledger do not agree on the time, and a lease or an id that ends early on one of them is work
done twice. So the server's own clock judges every claim. A ``clock`` that is passed in takes its place, and its time is sent along: for
tests, and for whoever has a better one on every machine.

**Answers that are lost.** When a connection breaks after a group was sent, nobody knows whether it was recorded. Each claim has its
holder's name before it is sent, and to send the same claim twice is to make it once: so the group is sent again, once, over a new
connection. When that fails as well, or the time is over, the caller is told that the ledger cannot be reached and must refuse; its claim
may be there all the same, and would be an honest retry's IN_FLIGHT, then UNKNOWN. So it is released by its holder's name as soon as the
server answers again, a few times over, since what was sent before may be carried out late. Should the process end before that, the lease
and the id's own life end it.
"""

from __future__ import annotations

import abc
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from payseal.errors import LedgerError
from payseal.ledger.grouping import ClaimJob, GroupedLedger, Job
from payseal.ledger.protocol import Claim, Outcome

__all__ = ["Lost", "RemoteLedger"]

#: Seconds between two attempts to release a claim of which nobody knows.
_PAUSE: Final = 1.0
#: How often such a claim is looked for, by a server that answers, before it counts as never made.
_LOOKS: Final = 3


class Lost(LedgerError):
    """The connection broke, or its time was over, after something was sent. ``again``: whether to send it once more makes sense."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


class RemoteLedger(GroupedLedger):
    """A ledger on a server. A backend says how to connect (`_connect`), to part (`_disconnect`), and to send a group (`_send`)."""

    def __init__(self, clock: Callable[[], float] | None, timeout: float) -> None:
        super().__init__(clock, timeout)
        self._turn = threading.Lock()
        self._connection: Any = None
        self._pid = os.getpid()

    def close(self) -> None:
        """Let go of the connection. A later call opens another."""
        self._grouping.close()
        self._leave_parent()
        with self._turn:
            self._part()

    def _open(self) -> None:
        """Connect for the first time: a wrong URL is better known now than at the first request."""
        self._connection = self._connect(self._deadline())

    def _run(self, jobs: list[Job], deadline: float) -> None:
        self._leave_parent()
        with self._turn:
            try:
                self._try(jobs, deadline, again=False)
            except Lost as lost:
                left = [job for job in jobs if not job.future.done()]
                try:
                    if not lost.again or time.monotonic() >= deadline:
                        raise
                    self._try(left, deadline, again=True)
                except LedgerError as error:
                    for job in left:
                        if isinstance(job, ClaimJob):
                            self._doubt(job)
                    raise LedgerError(str(error)) from None

    def _try(self, jobs: list[Job], deadline: float, *, again: bool) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect(deadline)
            self._send(jobs, deadline, again=again)
        except BaseException:
            self._part()  # nobody knows what it would say next
            raise

    def _part(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._disconnect(connection)

    def _doubt(self, job: ClaimJob) -> None:
        """Nobody knows whether this claim was made."""
        claim = Claim(self, job.scope, job.id, Outcome.FRESH, holder=job.holder)
        self._look(claim, _LOOKS, time.monotonic() + job.ttl)

    def _look(self, claim: Claim, looks: int, until: float) -> None:
        def release() -> None:
            try:
                self.release_soon(claim).add_done_callback(seen)
            except LedgerError:
                self._look(claim, looks, until)

        def seen(future: Future[bool]) -> None:
            if future.cancelled() or future.exception() is not None:
                self._look(claim, looks, until)  # it is down still
            elif not future.result():
                self._look(claim, looks - 1, until)  # not there, or not there yet

        if looks > 0 and time.monotonic() < until:
            self._grouping.later(_PAUSE, release)

    def _leave_parent(self) -> None:
        """After a fork: the connection is the parent's. To close it, or only to let it be collected, would say goodbye in its name."""
        if os.getpid() != self._pid:
            _inherited.append(self._connection)
            self._connection = None
            self._turn = threading.Lock()  # its owner may be a thread that does not exist here
            self._pid = os.getpid()

    @abc.abstractmethod
    def _connect(self, deadline: float) -> Any:
        """A connection, ready. Raises `LedgerError`."""

    @abc.abstractmethod
    def _disconnect(self, connection: Any) -> None:
        """Never raises, never waits."""

    @abc.abstractmethod
    def _send(self, jobs: list[Job], deadline: float, *, again: bool) -> None:
        """Do all of it over the connection and tell each job. ``again``: it may have been done before. Raises `LedgerError` for what the
        server refused, `Lost` where nobody knows."""


_inherited: list[Any] = []
