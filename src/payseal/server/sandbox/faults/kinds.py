"""What can be made to go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["KINDS", "Fault", "Kind", "Meaning"]


class Kind(StrEnum):
    """A way to fail. *Before* is before the work is done, *after* is when it is done and the client is not told."""

    DECLINE = "decline"
    SLOW = "slow"
    TIMEOUT_BEFORE = "timeout-before"
    TIMEOUT_AFTER = "timeout-after"
    ERROR_BEFORE = "error-before"
    ERROR_AFTER = "error-after"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    CLOCK_SKEW = "clock-skew"
    WRONG_KEY = "wrong-key"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind does, in a sentence, and its seconds where none are given (0: it has none)."""

    sentence: str
    seconds: float = 0.0


KINDS: Final[dict[Kind, Meaning]] = {
    Kind.DECLINE: Meaning("the payment is declined, with the provider's answer for that"),
    Kind.SLOW: Meaning("the request is carried out after a while", 3.0),
    Kind.TIMEOUT_BEFORE: Meaning("nothing is done and nothing is answered; the connection ends after a while", 30.0),
    Kind.TIMEOUT_AFTER: Meaning("the work is done and nothing is answered; the connection ends after a while", 30.0),
    Kind.ERROR_BEFORE: Meaning("500, and nothing was done"),
    Kind.ERROR_AFTER: Meaning("500, and the work was done"),
    Kind.DROP_BEFORE: Meaning("the connection is dropped, and nothing was done"),
    Kind.DROP_AFTER: Meaning("the connection is dropped, and the work was done"),
    Kind.CLOCK_SKEW: Meaning("the request is verified by a clock that is so many seconds ahead (or, below zero, behind)", 3600.0),
    Kind.WRONG_KEY: Meaning("the request is verified with another secret than the credential's: 401"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to go wrong. ``seconds`` is how long, or how far, where the kind has that."""

    kind: Kind
    seconds: float = 0.0

    @classmethod
    def of(cls, kind: Kind, seconds: float | None = None) -> Fault:
        """With the kind's own seconds where none are given."""
        return cls(kind, KINDS[kind].seconds if seconds is None else seconds)
