"""A ledger in this process's memory: for tests, a sandbox, and a service that runs as exactly one process.

**No lock where an id is new.** `dict.setdefault` is one step for all threads: of any number of them exactly one finds its own entry there.
Whatever changes or takes out an entry that is there holds the lock. So a claim on a new id waits for nobody, and a thread that is
interrupted in the middle of one keeps nobody waiting.
"""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from payseal.errors import LedgerError
from payseal.ledger import rules
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome, fresh
from payseal.ledger.rules import Entry
from payseal.ledger.stats import Stats

__all__ = ["MemoryLedger"]

#: Expired ids that one claim takes out at most. It puts in one, so that the ledger shrinks under load, and no call stops the world.
_BATCH: Final = 16

#: New ids that wait to be filed, at most. Filing many at once costs each of them less.
_WAITING: Final = 64

_Key: TypeAlias = tuple[str, str]
#: What is remembered of an id: fingerprint, when it is over, when its lease ends, whether it is done, its answer. A plain tuple is made in a
#: tenth of the time of an `Entry`, and the garbage collector need not come back to it. A claim holds its id as long as the very tuple that it
#: put there is there: that tuple is its ``holder``.
_Kept: TypeAlias = tuple[bytes, float, float, bool, Answer | None]


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
        self._entries: dict[_Key, _Kept] = {}
        self._bytes = 0
        #: The durations that were looked at last, which are the same for most claims.
        self._ttl, self._lease = math.nan, math.nan
        # Ids that are not filed yet.
        self._new: deque[_Key] = deque()
        # Ids by the second at which they are over, and those seconds as a heap: one number a second, however many ids come and go.
        self._by_second: dict[int, set[_Key]] = {}
        self._seconds: list[int] = []
        #: What is left of a second that has passed.
        self._over: set[_Key] = set()
        #: When there is something to take out.
        self._next = math.inf
        #: When the last of the ids that were taken out was over.
        self._gone = -math.inf

    def __repr__(self) -> str:
        return f"<MemoryLedger of {len(self._entries)}>"

    @property
    def size(self) -> int:
        """How many ids are held, those included that are over and not yet taken out."""
        return len(self._entries)

    def claim(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Claim:
        if ttl != self._ttl or lease != self._lease:
            rules.check_durations(ttl, lease)
            self._ttl, self._lease = ttl, lease
        if not (scope.isascii() and id.isascii()):
            rules.check_text(scope, id)
        at = self._clock()
        if type(at) is not float or at - at != 0.0:  # what is not finite
            at = rules.time_of(at)
        if at >= self._next:
            self._forget(at)
        if at < self._gone and (doubt := rules.forgotten(at, self._gone)):
            raise LedgerError(doubt)
        key, expires = (scope, id), at + ttl
        mine = (fingerprint, expires, at + lease, False, None)
        while (found := self._entries.setdefault(key, mine)) is not mine:
            claim = self._found(key, found, mine, at, redo=redo)
            if claim is not None:
                return claim
        self._new.append(key)
        if expires < self._next:
            self._next = expires
        if len(self._new) >= _WAITING or len(self._entries) > self._max_entries:
            self._make_room(key, mine)
        return fresh(self, scope, id, mine)

    def _make_room(self, key: _Key, mine: _Kept) -> None:
        """File what is new. Raises `LedgerError` where there are too many ids, and takes out the last."""
        with self._lock:
            self._file_new()
            if len(self._entries) > self._max_entries:
                if self._entries.get(key) is mine:  # not where another has taken it over by now
                    self._drop(key, mine)
                raise LedgerError(f"the ledger holds {self._max_entries} ids, all live: raise max_entries, or use a ledger on disk")

    def _found(self, key: _Key, found: _Kept, mine: _Kept, at: float, *, redo: bool) -> Claim | None:
        """What a claim finds in an entry; FRESH when it takes it over, ``None`` when the entry has changed meanwhile."""
        with self._lock:
            if self._entries.get(key) is not found:
                return None
            before, over, lease_ended, done, answer = found
            fingerprint, expires, lease_ends, *_ = mine
            outcome = rules.found(Entry(before, "", over, lease_ended, done, answer), fingerprint, at, redo=redo)
            if outcome is Outcome.FRESH:
                if over <= at:  # what it held is forgotten with it
                    self._gone = max(self._gone, over)
                taken = (fingerprint, max(over, expires), lease_ends, False, None)
                self._replace(key, found, taken)
                return fresh(self, *key, taken)
            return Claim(self, *key, outcome, answer if outcome is Outcome.DONE else None)

    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        if ttl is not None:
            rules.check_durations(ttl)
        if answer is not None:
            rules.check_answer(answer)
        key = (claim.scope, claim.id)
        with self._lock:
            at = self._clock()
            if type(at) is not float or at - at != 0.0:
                at = rules.time_of(at)
            found = self._entries.get(key)
            if found is None or found is not claim.holder or found[1] <= at:
                return False
            fingerprint, expires, lease_ends, _, _ = found
            if answer is None and ttl is None:
                self._entries[key] = (fingerprint, expires, lease_ends, True, None)
                return True
            if answer is not None and self._bytes + _size(answer) > self._max_bytes:
                answer = None
            until = expires if ttl is None else max(expires, at + ttl)
            self._replace(key, found, (fingerprint, until, lease_ends, True, answer))
            return True

    def release(self, claim: Claim) -> bool:
        key = (claim.scope, claim.id)
        with self._lock:
            at = rules.now(self._clock)
            found = self._entries.get(key)
            if found is None or found is not claim.holder or found[1] <= at:
                return False
            self._drop(key, found)
            return True

    def stats(self) -> Stats:
        """See `Ledger.stats`. ``size`` counts the answers that are kept."""
        with self._lock:
            at = rules.now(self._clock)
            held = list(self._entries.values())  # one step, since new ids come in meanwhile
            return rules.counted(((expires, lease_ends, done) for _, expires, lease_ends, done, _ in held), at, self._bytes)

    def close(self) -> None:
        """Nothing is held open; what is remembered stays."""

    # --- with the lock held ---

    def _replace(self, key: _Key, old: _Kept, new: _Kept) -> None:
        self._entries[key] = new
        if new[4] is not old[4]:
            self._bytes += _size(new[4]) - _size(old[4])
        if new[1] != old[1]:
            self._unfile(key, old)
            self._file(key, math.ceil(new[1]))

    def _drop(self, key: _Key, old: _Kept) -> None:
        del self._entries[key]
        self._bytes -= _size(old[4])
        self._unfile(key, old)

    def _file_new(self) -> None:
        """File the ids that wait for it, each under what is remembered of it by now."""
        second, keys = -1, self._over
        for _ in range(len(self._new)):
            key = self._new.popleft()
            found = self._entries.get(key)
            if found is not None:
                if (ends := math.ceil(found[1])) != second:
                    second, keys = ends, self._of(ends)
                keys.add(key)

    def _file(self, key: _Key, second: int) -> None:
        self._of(second).add(key)

    def _of(self, second: int) -> set[_Key]:
        """The ids that are over at that second."""
        keys = self._by_second.get(second)
        if keys is None:
            keys = self._by_second[second] = set()
            heapq.heappush(self._seconds, second)
            self._next = min(self._next, second)
        return keys

    def _unfile(self, key: _Key, old: _Kept) -> None:
        self._by_second.get(math.ceil(old[1]), self._over).discard(key)

    def _forget(self, at: float) -> None:
        """Take out a few of the ids that are over, the oldest first; nothing where another thread does it just now."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._file_new()
            for _ in range(_BATCH):
                if not self._over:
                    if not self._seconds or self._seconds[0] > at:
                        break
                    # Out of the table before it is emptied: whoever adds to it after this sees that it is gone, and files its id anew.
                    self._over = self._by_second.pop(heapq.heappop(self._seconds))
                elif (found := self._entries.get(key := self._over.pop())) is None:
                    continue
                elif found[1] <= at:
                    self._gone = max(self._gone, found[1])
                    self._drop(key, found)
                else:  # by this caller's clock it is not over yet, or no longer: until that second comes
                    self._file(key, math.ceil(found[1]))
            self._next = -math.inf if self._over else self._seconds[0] if self._seconds else math.inf
        finally:
            self._lock.release()


def _size(answer: Answer | None) -> int:
    if answer is None:
        return 0
    return len(answer.body) + sum(len(name) + len(value) for name, value in answer.headers)
