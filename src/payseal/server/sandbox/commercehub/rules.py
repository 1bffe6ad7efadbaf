"""What may be done to a charge, and how much of it: pure rules over what has been done to it so far. Amounts are whole minor units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["Kind", "Reason", "Refused", "Standing", "State", "cancelling", "capturing", "refunding"]


class Kind(StrEnum):
    """What a transaction is."""

    CHARGE = "CHARGE"
    CAPTURE = "CAPTURE"  # of a charge that was only authorised
    CANCEL = "CANCEL"
    REFUND = "REFUND"


class State(StrEnum):
    """What became of it."""

    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"


class Reason(StrEnum):
    """Why something cannot be done to a charge."""

    NOT_AUTHORISED = "not-authorised"
    CAPTURED_BEFORE = "captured-before"
    NOTHING_TO_CAPTURE = "nothing-to-capture"
    CAPTURE_TOO_LARGE = "capture-too-large"
    NOTHING_TO_CANCEL = "nothing-to-cancel"
    REFUNDED_ALREADY = "refunded-already"
    CANCEL_TOO_LARGE = "cancel-too-large"
    NOT_CAPTURED = "not-captured"
    NOTHING_TO_REFUND = "nothing-to-refund"
    REFUND_TOO_LARGE = "refund-too-large"


class Refused(Exception):
    """The rules do not allow it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Standing:
    """A charge after all that was done to it."""

    state: State = State.DECLINED
    #: The whole: what was authorised, and from its capture on what was captured.
    total: int = 0
    #: What of it was neither cancelled nor refunded.
    left: int = 0
    refunded: bool = False

    @classmethod
    def of(cls, history: Iterable[tuple[Kind, State, int]]) -> Standing:
        """From its transactions, the first first. What was declined changed nothing."""
        standing = cls()
        for kind, state, amount in history:
            if state is not State.DECLINED:
                standing = standing._after(kind, state, amount)
        return standing

    def _after(self, kind: Kind, state: State, amount: int) -> Standing:
        if kind in (Kind.CHARGE, Kind.CAPTURE):
            return Standing(state, amount, amount)
        if kind is Kind.REFUND:
            return replace(self, left=self.left - amount, refunded=True)
        left = self.left - amount
        return replace(self, left=left, state=self.state if left else State.VOIDED)


def capturing(standing: Standing, amount: int | None) -> int:
    """How much is captured; ``None`` asks for all that is left. Raises `Refused`."""
    if standing.state is State.DECLINED:
        raise Refused(Reason.NOT_AUTHORISED)
    if standing.state is State.CAPTURED:
        raise Refused(Reason.CAPTURED_BEFORE)
    if not standing.left:
        raise Refused(Reason.NOTHING_TO_CAPTURE)
    return _within(standing, standing.left if amount is None else amount, Reason.CAPTURE_TOO_LARGE)


def cancelling(standing: Standing, amount: int | None) -> int:
    """How much is cancelled; ``None`` asks for the whole. Raises `Refused`."""
    if standing.refunded:
        raise Refused(Reason.REFUNDED_ALREADY)
    if not standing.left:
        raise Refused(Reason.NOTHING_TO_CANCEL)
    return _within(standing, standing.total if amount is None else amount, Reason.CANCEL_TOO_LARGE)


def refunding(standing: Standing, amount: int | None) -> int:
    """How much is refunded; ``None`` asks for the whole. Raises `Refused`."""
    if standing.state is not State.CAPTURED:
        raise Refused(Reason.NOT_CAPTURED)
    if not standing.left:
        raise Refused(Reason.NOTHING_TO_REFUND)
    return _within(standing, standing.total if amount is None else amount, Reason.REFUND_TOO_LARGE)


def _within(standing: Standing, amount: int, too_large: Reason) -> int:
    if amount > standing.left:
        raise Refused(too_large)
    return amount
