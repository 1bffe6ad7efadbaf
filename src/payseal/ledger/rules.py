"""What every backend decides alike: what a claim found, which durations make sense, what time it is, who holds a claim."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from payseal.errors import LedgerError
from payseal.ledger.protocol import Answer, Outcome

__all__ = ["Entry", "check_durations", "found", "new_holder", "now"]


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


def check_durations(ttl: float | None, lease: float = 0.0) -> None:
    """Raises `ValueError` for a ttl that would remember nothing or for ever, and for a lease that is no duration."""
    if ttl is not None and not (math.isfinite(ttl) and ttl > 0):
        raise ValueError("ttl must be a finite number of seconds above 0")
    if not (math.isfinite(lease) and lease >= 0):
        raise ValueError("lease must be a finite number of seconds, 0 or more")


def now(clock: Callable[[], float]) -> float:
    """The time in seconds since the epoch. Raises `LedgerError` when the clock gives none: with it nothing would ever expire, or
    everything at once."""
    seconds = clock()
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise LedgerError("the ledger's clock does not give a time: no claim can be judged")
    return float(seconds)


def new_holder() -> str:
    """A name for one claim that no other claim, in whatever process, will have."""
    return secrets.token_hex(16)
