"""What every backend decides alike: what a claim found, which durations make sense, what time it is, who holds a claim."""

from __future__ import annotations

import itertools
import math
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from payseal.errors import LedgerError
from payseal.ledger.protocol import Answer, Outcome
from payseal.ledger.stats import Stats

__all__ = [
    "STEP",
    "Entry",
    "check_answer",
    "check_durations",
    "check_text",
    "check_timeout",
    "counted",
    "forgotten",
    "found",
    "new_holder",
    "now",
]

_INF: Final = math.inf
#: The shortest and the longest life of an id, in seconds. One that is shorter than a clock's own steps would be over as it begins; beyond
#: some 3,000 years not every backend can count.
_SHORTEST: Final = 0.001
_LONGEST: Final = 1e11
#: Seconds that a clock may be put back without anybody noticing: half of what the middleware has an id outlive its window.
STEP: Final = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What a ledger remembers of one id. Times are seconds since the epoch."""

    fingerprint: bytes
    holder: str
    expires: float
    lease_ends: float
    done: bool = False
    answer: Answer | None = None

    def held_by(self, holder: str, at: float) -> bool:
        """Whether that holder may still complete or release it. A claim whose lease is over is still its holder's until another
        takes it: work that ended late has ended all the same."""
        return self.holder == holder and not self.done and self.expires > at


def found(entry: Entry | None, fingerprint: bytes, at: float, *, redo: bool) -> Outcome:
    """What a claim at that time finds, as `payseal.ledger.Ledger.claim` lists it. FRESH means: write a new entry in its place."""
    if entry is None or entry.expires <= at:
        return Outcome.FRESH
    if entry.fingerprint != fingerprint:
        return Outcome.MISMATCH
    if entry.done:
        return Outcome.DONE
    if at < entry.lease_ends:
        return Outcome.IN_FLIGHT
    return Outcome.FRESH if redo else Outcome.UNKNOWN


def counted(held: Iterable[tuple[float, float, bool]], at: float, size: int | None) -> Stats:
    """Counts ids by state, each given as the time it expires, the time its lease ends, and whether it is done."""
    in_flight = unknown = done = expired = 0
    for expires, lease_ends, is_done in held:
        if expires <= at:
            expired += 1
        elif is_done:
            done += 1
        elif at < lease_ends:
            in_flight += 1
        else:
            unknown += 1
    return Stats(in_flight, unknown, done, expired, size)


def check_durations(ttl: float | None, lease: float = 0.0) -> None:
    """Raises `ValueError` for a ttl that would remember nothing or for ever, and for a lease that is no duration."""
    if ttl is not None and not _SHORTEST <= ttl <= _LONGEST:  # what is not a number is in no range
        raise ValueError(f"ttl must be a number of seconds from {_SHORTEST} to {_LONGEST:g}")
    if not 0 <= lease <= _LONGEST:
        raise ValueError(f"lease must be a number of seconds from 0 to {_LONGEST:g}")


def check_answer(answer: Answer | None) -> None:
    """Raises `ValueError` for an answer whose status is none of HTTP's: not every backend could keep it."""
    if answer is not None and (isinstance(answer.status, bool) or not isinstance(answer.status, int) or not 100 <= answer.status <= 999):
        raise ValueError("an answer's status must be a number of three digits")


def check_text(scope: str, id: str) -> None:
    """Raises `LedgerError` for a scope or an id that no other machine could read."""
    if scope.isascii() and id.isascii():
        return
    try:
        scope.encode()
        id.encode()
    except UnicodeEncodeError:
        raise LedgerError("a scope or an id that is not text cannot be claimed") from None


def check_timeout(timeout: float) -> float:
    """Raises `ValueError` for what is no number of seconds to wait."""
    if not (math.isfinite(timeout) and 0 <= timeout <= 3600):
        raise ValueError("timeout must be a number of seconds from 0 to 3600")
    return timeout


def now(clock: Callable[[], float]) -> float:
    """The time in seconds since the epoch. Raises `LedgerError` when the clock gives none."""
    return time_of(clock())


def time_of(seconds: float) -> float:
    """What a clock has given, as seconds since the epoch. Raises `LedgerError` for what is no time: with it nothing would ever expire, or
    everything at once."""
    if type(seconds) is float and -_INF < seconds < _INF:  # what clocks give
        return seconds
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise LedgerError("the ledger's clock does not give a time: no claim can be judged")
    return float(seconds)


def forgotten(at: float, until: float) -> str:
    """What to say of a time at which an id that was taken out would still be live; empty where all is well. ``until`` is when the last of
    those was over.

    It comes about when a clock was ahead, ids were taken out by it, and it was put right: their requests are in the window once more, and
    nobody knows which they were. It is over as soon as the last of them is.
    """
    if at >= until - STEP:
        return ""
    return f"the clock was put back, to a time whose ids are forgotten: nothing can be claimed for {until - at:.0f} s, or use a new ledger"


class _Holders:
    """Names for claims: this process's own random part, and a number. To ask the system for each would let go of the interpreter's lock
    each time, and threads that have it wait for one another."""

    def __init__(self) -> None:
        self.pid = 0
        self.prefix = ""
        self.numbers = itertools.count()

    def renew(self) -> None:
        self.prefix = secrets.token_hex(16)
        self.pid = os.getpid()


_holders: Final = _Holders()


def new_holder() -> str:
    """A name for one claim that no other claim, in whatever process, will have."""
    if os.getpid() != _holders.pid:
        _holders.renew()  # a fork copies both
    return f"{_holders.prefix}{next(_holders.numbers):x}"
