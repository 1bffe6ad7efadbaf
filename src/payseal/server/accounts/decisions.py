"""The decision log: every request, accepted or refused, with its code. Written in groups by a thread, never waited for by a request.

What a client sends unproven may be anything: a secret where the keyid should be, a card number where the request id should be. So the
keyid is kept only when it is one of ours, and the request id only when its sender is proven or it has the form of a UUID, and never with
a card number's digits in it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from payseal.errors import PaysealError
from payseal.middleware import Decision
from payseal.server.accounts import tables
from payseal.server.accounts.database import Database

__all__ = ["DecisionLog"]

_logger: Final = logging.getLogger("payseal")

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Digits in a row, be there hyphens between them, that a card number could be (ISO/IEC 7812: up to 19).
_CARD: Final = re.compile(r"\d(?:-?\d){12,18}")
#: Rows that one statement inserts, or deletes, at most.
_GROUP: Final = 500
#: The latency (µs) that its column holds at most: 35 minutes.
_LONGEST: Final = 2**31 - 1
#: Seconds between two looks at what has grown old.
_TIDY: Final = 30.0


class DecisionLog:
    """Keeps decisions for ``max_age`` seconds, and no more than ``max_count`` of them (give or take a group).

    `record` is for ``on_decision=`` of the middleware: it puts the decision into a queue of ``queue`` places and returns. ``knows`` says
    whether a keyid is one of ours. Every ``interval`` seconds what is in the queue is written. What does not fit is counted in `lost`
    and reported; what cannot be written stays in the queue until it can.
    """

    def __init__(
        self,
        database: Database,
        knows: Callable[[str], bool],
        *,
        max_age: float = 30 * 86_400.0,
        max_count: int = 1_000_000,
        queue: int = 10_000,
        interval: float = 0.2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._knows, self._clock = database, knows, clock
        self._max_age, self._max_count, self._places, self._interval = max_age, max_count, queue, interval
        #: Decisions that found the queue full, or were left in it at the end.
        self.lost = 0
        self._reported = 0
        self._closed = False
        self._renew()
        myself = weakref.ref(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _after_fork(myself()))

    def _renew(self) -> None:
        self._queue: deque[dict[str, Any]] = deque()
        self._starting = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._tidied = 0.0

    def forked(self) -> None:
        """Called in the child of a fork: what the parent has not written yet is the parent's to write."""
        self._renew()
        self._database.engine.dispose(close=False)

    def record(self, decision: Decision) -> None:
        """Put it into the queue, or count it as lost. Never waits."""
        if len(self._queue) >= self._places or self._closed:
            self.lost += 1
            return
        self._queue.append(self._row(decision))
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Write what is in the queue now, in this thread. Raises `DatabaseError`; what is not written stays in the queue."""
        with self._writing:
            while self._queue:
                group = [self._queue[place] for place in range(min(_GROUP, len(self._queue)))]
                with self._database.write() as connection:
                    connection.execute(insert(tables.decisions), group)
                for _ in group:
                    self._queue.popleft()

    def tidy(self) -> int:
        """Delete what is too old or too much, in this thread, a short transaction a group; returns how many. Raises `DatabaseError`."""
        deleted = 0
        column = tables.decisions.c
        while True:
            with self._database.write() as connection:
                newest = connection.execute(select(func.max(column.id))).scalar() or 0
                excess = (column.at < self._clock() - self._max_age) | (column.id <= newest - self._max_count)
                chosen = select(column.id).where(excess).order_by(column.id).limit(_GROUP)
                done = connection.execute(delete(tables.decisions).where(column.id.in_(chosen))).rowcount
            deleted += done
            if done < _GROUP or self._stop.is_set():
                return deleted

    def close(self) -> None:
        """Write what is left, and stop."""
        self._closed = True
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._attempt(self.flush)
        self.lost += len(self._queue)
        self._report()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._write, args=(self._stop,), name="payseal-decisions", daemon=True)
                self._thread.start()

    def _write(self, stop: threading.Event) -> None:
        while not stop.wait(self._interval):
            self._attempt(self.flush)
            if time.monotonic() - self._tidied > _TIDY:
                self._tidied = time.monotonic()
                self._attempt(self.tidy)
            self._report()

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises: the next time it may work
            _logger.error("decisions cannot be recorded: %s", error if isinstance(error, PaysealError) else type(error).__name__)
            self._stop.wait(1.0)

    def _report(self) -> None:
        if self.lost > self._reported:
            _logger.error("%d decisions were not recorded: the queue was full", self.lost - self._reported)
            self._reported = self.lost

    def _row(self, decision: Decision) -> dict[str, Any]:
        proven = decision.account is not None
        keyid, nonce = decision.keyid, decision.request_id
        return {
            "at": self._clock(),
            "code": decision.code,
            "status": decision.status,
            "scheme": decision.scheme,
            "account": _fitting(decision.account),
            "keyid": _fitting(keyid) if keyid is not None and (proven or self._known(keyid)) else None,
            "request_id": nonce if nonce is not None and _harmless(nonce, proven=proven) else None,
            "client": None if decision.client is None else decision.client[:45],
            "latency": min(round(decision.latency * 1_000_000), _LONGEST),
            "trace": decision.trace[:36] or None,
        }

    def _known(self, keyid: str) -> bool:
        try:
            return self._knows(keyid)
        except PaysealError:  # in doubt: not one of ours
            return False


def _fitting(name: str | None) -> str | None:
    """A name that its column holds: one row that the database refuses would keep its whole group in the queue."""
    return name if name is not None and len(name) <= 64 else None


def _harmless(nonce: str, *, proven: bool) -> bool:
    if _UUID.fullmatch(nonce):
        return True
    return proven and len(nonce) <= 128 and not _CARD.search(nonce)


def _after_fork(log: DecisionLog | None) -> None:
    if log is not None:
        log.forked()
