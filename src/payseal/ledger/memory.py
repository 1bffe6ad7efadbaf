"""A ledger in this process's memory: for tests, a sandbox, and a service that runs as exactly one process.

**No lock where an id is new.** `dict.setdefault` is one step for all threads: of any number of them exactly one finds its own entry there.
Whatever changes or takes out an entry that is there holds the lock. So a claim on a new id waits for nobody, and a thread that is
interrupted in the middle of one keeps nobody waiting.
"""

from __future__ import annotations

import heapq
import itertools
import math
import secrets
import threading
import time
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

#: Looked up once: an enumeration's members are found by a search.
_FRESH: Final = Outcome.FRESH

_Key: TypeAlias = tuple[str, str]
#: The fields of an `Entry`. A plain tuple is made in a tenth of the time, and the garbage collector need not come back to it.
_Kept: TypeAlias = tuple[bytes, str, float, float, bool, Answer | None]


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
        # Names of claims: nobody else sees them, so a number is enough, and one that is not easily guessed.
        self._numbers = itertools.count(secrets.randbits(60))
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
        rules.check_durations(ttl, lease)
        if not (scope.isascii() and id.isascii()):
            rules.check_text(scope, id)
        at = self._clock()
        if type(at) is not float or at - at != 0.0:  # what is not finite
            at = rules.time_of(at)
        if at >= self._next:
            self._forget(at)
        if at < self._gone and (doubt := rules.forgotten(at, self._gone)):
            raise LedgerError(doubt)
        key, holder, expires = (scope, id), hex(next(self._numbers)), at + ttl
        mine = (fingerprint, holder, expires, at + lease, False, None)
        while (found := self._entries.setdefault(key, mine)) is not mine:
            claim = self._found(key, found, mine, at, redo=redo)
            if claim is not None:
                return claim
        if len(self._entries) > self._max_entries:
            with self._lock:
                if self._entries.get(key) is mine:  # not where another has taken it over by now
                    del self._entries[key]
            raise LedgerError(f"the ledger holds {self._max_entries} ids, all live: raise max_entries, or use a ledger on disk")
        second = math.ceil(expires)
        keys = self._by_second.get(second)
        if keys is not None:
            keys.add(key)
        if keys is None or self._by_second.get(second) is not keys:  # new, or taken out just now
            with self._lock:
                self._file(key, second)
        return fresh(self, scope, id, holder)

    def _found(self, key: _Key, found: _Kept, mine: _Kept, at: float, *, redo: bool) -> Claim | None:
        """What a claim finds in an entry; FRESH when it takes it over, ``None`` when the entry has changed meanwhile."""
        with self._lock:
            if self._entries.get(key) is not found:
                return None
            entry = Entry(*found)
            fingerprint, holder, expires, lease_ends, *_ = mine
            outcome = rules.found(entry, fingerprint, at, redo=redo)
            if outcome is Outcome.FRESH:
                if entry.expires <= at:  # what it held is forgotten with it
                    self._gone = max(self._gone, entry.expires)
                self._replace(key, found, (fingerprint, holder, max(entry.expires, expires), lease_ends, False, None))
                return fresh(self, *key, holder)
            return Claim(self, *key, outcome, entry.answer if outcome is Outcome.DONE else None)

    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        key = (claim.scope, claim.id)
        if ttl is not None:
            rules.check_durations(ttl)
        if answer is not None:
            rules.check_answer(answer)
        with self._lock:
            at = rules.now(self._clock)
            found = self._held(claim, key, at)
            if found is None:
                return False
            fingerprint, holder, expires, lease_ends, _, _ = found
            if answer is None and ttl is None:
                self._entries[key] = (fingerprint, holder, expires, lease_ends, True, None)
                return True
            if answer is not None and self._bytes + _size(answer) > self._max_bytes:
                answer = None
            until = expires if ttl is None else max(expires, at + ttl)
            self._replace(key, found, (fingerprint, holder, until, lease_ends, True, answer))
            return True

    def release(self, claim: Claim) -> bool:
        key = (claim.scope, claim.id)
        with self._lock:
            found = self._held(claim, key, rules.now(self._clock))
            if found is None:
                return False
            self._drop(key, found)
            return True

    def stats(self) -> Stats:
        """See `Ledger.stats`. ``size`` counts the answers that are kept."""
        with self._lock:
            at = rules.now(self._clock)
            held = list(self._entries.values())  # one step, since new ids come in meanwhile
            return rules.counted(((expires, lease_ends, done) for _, _, expires, lease_ends, done, _ in held), at, self._bytes)

    def close(self) -> None:
        """Nothing is held open; what is remembered stays."""

    # --- with the lock held ---

    def _held(self, claim: Claim, key: _Key, at: float) -> _Kept | None:
        """The entry, where the claim may still settle it."""
        found = self._entries.get(key)
        if claim.outcome is _FRESH and found is not None:
            _, holder, expires, _, done, _ = found
            if holder == claim.holder and not done and expires > at:  # as `Entry.held_by`
                return found
        return None

    def _replace(self, key: _Key, old: _Kept, new: _Kept) -> None:
        self._entries[key] = new
        if new[5] is not old[5]:
            self._bytes += _size(new[5]) - _size(old[5])
        if new[2] != old[2]:
            self._unfile(key, old)
            self._file(key, math.ceil(new[2]))

    def _drop(self, key: _Key, old: _Kept) -> None:
        del self._entries[key]
        self._bytes -= _size(old[5])
        self._unfile(key, old)

    def _file(self, key: _Key, second: int) -> None:
        keys = self._by_second.get(second)
        if keys is None:
            keys = self._by_second[second] = set()
            heapq.heappush(self._seconds, second)
            self._next = min(self._next, second)
        keys.add(key)

    def _unfile(self, key: _Key, old: _Kept) -> None:
        self._by_second.get(math.ceil(old[2]), self._over).discard(key)

    def _forget(self, at: float) -> None:
        """Take out a few of the ids that are over, the oldest first; nothing where another thread does it just now."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            for _ in range(_BATCH):
                if not self._over:
                    if not self._seconds or self._seconds[0] > at:
                        break
                    # Out of the table before it is emptied: whoever adds to it after this sees that it is gone, and files its id anew.
                    self._over = self._by_second.pop(heapq.heappop(self._seconds))
                elif (found := self._entries.get(key := self._over.pop())) is None:
                    continue
                elif found[2] <= at:
                    self._gone = max(self._gone, found[2])
                    self._drop(key, found)
                else:  # by this caller's clock it is not over yet, or no longer: until that second comes
                    self._file(key, math.ceil(found[2]))
            self._next = -math.inf if self._over else self._seconds[0] if self._seconds else math.inf
        finally:
            self._lock.release()


def _size(answer: Answer | None) -> int:
    if answer is None:
        return 0
    return len(answer.body) + sum(len(name) + len(value) for name, value in answer.headers)
