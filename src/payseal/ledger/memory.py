"""A ledger in this process's memory: for tests, a sandbox, and a service that runs as exactly one process."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable
from typing import Final

from payseal.errors import LedgerError
from payseal.ledger import rules
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome
from payseal.ledger.rules import Entry
from payseal.ledger.stats import Stats

__all__ = ["MemoryLedger"]

#: Expired ids that one claim takes out at most. It puts in one, so that the ledger shrinks under load, and no call stops the world.
_BATCH: Final = 16

_Key = tuple[str, str]


class MemoryLedger(Ledger):
    """Remembers in memory; safe to share between threads. Another process does not see it, and a restart forgets it: whoever runs
    several workers, or accepts a request signed before the restart, needs a shared ledger.

    ``clock`` gives seconds since the epoch. ``max_entries`` bounds the ids: when that many are live a claim raises `LedgerError`,
    since forgetting one would let it be replayed. ``max_bytes`` bounds the answers that are kept; beyond it an id is marked as done
    without its answer.
    """

    blocking = False

    def __init__(self, *, clock: Callable[[], float] = time.time, max_entries: int = 1_000_000, max_bytes: int = 256 * 1024 * 1024) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: dict[_Key, Entry] = {}
        self._bytes = 0
        # Ids by the second at which they are over, and those seconds as a heap: one number a second, however many ids come and go.
        self._by_second: dict[int, set[_Key]] = {}
        self._seconds: list[int] = []

    def __repr__(self) -> str:
        return f"<MemoryLedger of {len(self._entries)}>"

    @property
    def size(self) -> int:
        """How many ids are held, those included that are over and not yet taken out."""
        return len(self._entries)

    def claim(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Claim:
        rules.check_durations(ttl, lease)
        rules.check_text(scope, id)
        key = (scope, id)
        with self._lock:
            at = rules.now(self._clock)
            self._forget(at)
            entry = self._entries.get(key)
            outcome = rules.found(entry, fingerprint, at, redo=redo)
            if outcome is not Outcome.FRESH:
                return Claim(self, scope, id, outcome, entry.answer if entry and outcome is Outcome.DONE else None)
            if entry is None and len(self._entries) >= self._max_entries:
                raise LedgerError(f"the ledger holds {self._max_entries} ids, all live: raise max_entries, or use a ledger on disk")
            holder = rules.new_holder()
            expires = at + ttl if entry is None else max(entry.expires, at + ttl)
            self._put(key, Entry(fingerprint, holder, expires, at + lease))
            return Claim(self, scope, id, Outcome.FRESH, holder=holder)

    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        rules.check_durations(ttl)
        key = (claim.scope, claim.id)
        with self._lock:
            at = rules.now(self._clock)
            entry = self._entries.get(key)
            if claim.outcome is not Outcome.FRESH or entry is None or not entry.held_by(claim.holder, at):
                return False
            if answer is not None and self._bytes + _size(answer) > self._max_bytes:
                answer = None
            expires = entry.expires if ttl is None else max(entry.expires, at + ttl)
            self._put(key, Entry(entry.fingerprint, entry.holder, expires, entry.lease_ends, done=True, answer=answer))
            return True

    def release(self, claim: Claim) -> bool:
        key = (claim.scope, claim.id)
        with self._lock:
            entry = self._entries.get(key)
            if claim.outcome is not Outcome.FRESH or entry is None or not entry.held_by(claim.holder, rules.now(self._clock)):
                return False
            self._drop(key)
            return True

    def stats(self) -> Stats:
        """See `Ledger.stats`. ``size`` counts the answers that are kept."""
        with self._lock:
            at = rules.now(self._clock)
            return rules.counted(((entry.expires, entry.lease_ends, entry.done) for entry in self._entries.values()), at, self._bytes)

    def close(self) -> None:
        """Nothing is held open; what is remembered stays."""

    def _put(self, key: _Key, entry: Entry) -> None:
        if key in self._entries:
            self._drop(key)
        self._entries[key] = entry
        self._bytes += _size(entry.answer)
        second = math.ceil(entry.expires)
        if second not in self._by_second:
            self._by_second[second] = set()
            heapq.heappush(self._seconds, second)
        self._by_second[second].add(key)

    def _drop(self, key: _Key) -> None:
        entry = self._entries.pop(key)
        self._bytes -= _size(entry.answer)
        self._by_second[math.ceil(entry.expires)].discard(key)

    def _forget(self, at: float) -> None:
        """Take out a few of the ids that are over, the oldest first."""
        for _ in range(_BATCH):
            if not self._seconds or self._seconds[0] > at:
                return
            keys = self._by_second[self._seconds[0]]
            if keys:
                self._drop(keys.pop())
            else:
                del self._by_second[heapq.heappop(self._seconds)]


def _size(answer: Answer | None) -> int:
    if answer is None:
        return 0
    return len(answer.body) + sum(len(name) + len(value) for name, value in answer.headers)
