"""What a secondary transaction may do, given the transactions of its order before it.

Whole minor units throughout. An order begins with its one primary transaction, a sale or a pre-authorisation; every later one names the
transaction it acts on as its parent. What is voided counts for nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

__all__ = ["Entry", "Kind", "NotAllowed", "Reason", "Wanted", "weigh"]


class Kind(StrEnum):
    """What a transaction does."""

    SALE = "SALE"
    PREAUTH = "PREAUTH"
    POSTAUTH = "POSTAUTH"
    VOID = "VOID"
    RETURN = "RETURN"


class Reason(Enum):
    """Why the gateway does not do what it is asked."""

    ORDER_EXISTS = auto()
    OTHER_CURRENCY = auto()
    NOT_AN_OPEN_PREAUTH = auto()
    NOTHING_LEFT_TO_CAPTURE = auto()
    MORE_THAN_AUTHORISED = auto()
    NOTHING_TO_RETURN = auto()
    MORE_THAN_CAPTURED = auto()
    NOT_VOIDABLE = auto()
    CAPTURED = auto()
    RETURNED = auto()
    NOT_ALL_OF_IT = auto()


class NotAllowed(Exception):
    """The gateway does not do it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction on record. ``minor`` is in the currency's smallest unit, ``created`` in seconds since the epoch."""

    id: str
    kind: Kind
    minor: int
    currency: str
    parent: str | None
    voided: bool
    created: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secondary transaction that is asked for. ``amount`` is (minor units, currency), ``None`` for all there is."""

    kind: Kind
    amount: tuple[int, str] | None


def weigh(wanted: Wanted, target: Entry, order: Sequence[Entry]) -> int:
    """How much (minor units) the transaction would be of. ``order`` is all of the order, the target with it. Raises `NotAllowed`."""
    if wanted.amount is not None and wanted.amount[1] != target.currency:
        raise NotAllowed(Reason.OTHER_CURRENCY)
    asked = None if wanted.amount is None else wanted.amount[0]
    return _RULES[wanted.kind](asked, target, [entry for entry in order if not entry.voided])


def _post_auth(asked: int | None, target: Entry, standing: Sequence[Entry]) -> int:
    """Once or several times, up to what was authorised."""
    if target.kind is not Kind.PREAUTH or target.voided:
        raise NotAllowed(Reason.NOT_AN_OPEN_PREAUTH)
    left = target.minor - _sum(standing, Kind.POSTAUTH, target.id)
    if left == 0:
        raise NotAllowed(Reason.NOTHING_LEFT_TO_CAPTURE)
    return _at_most(left, asked, Reason.MORE_THAN_AUTHORISED)


def _return(asked: int | None, target: Entry, standing: Sequence[Entry]) -> int:
    """Of a sale or a post-authorisation, or of all that was captured of a pre-authorisation; never more than the order has captured."""
    captured = _sum(standing, Kind.SALE) + _sum(standing, Kind.POSTAUTH)
    if target.voided or target.kind in (Kind.VOID, Kind.RETURN) or captured == 0:
        raise NotAllowed(Reason.NOTHING_TO_RETURN)
    left = captured - _sum(standing, Kind.RETURN)
    if target.kind is not Kind.PREAUTH:
        left = min(left, target.minor - _sum(standing, Kind.RETURN, target.id))
    return _at_most(left, asked, Reason.MORE_THAN_CAPTURED)


def _void(asked: int | None, target: Entry, standing: Sequence[Entry]) -> int:
    """Whole, and only while nothing rests on it."""
    if target.voided or target.kind is Kind.VOID:
        raise NotAllowed(Reason.NOT_VOIDABLE)
    if _sum(standing, Kind.POSTAUTH, target.id):
        raise NotAllowed(Reason.CAPTURED)
    # A return that names the pre-authorisation is of any of its captures.
    if _sum(standing, Kind.RETURN, target.id) or (target.kind is Kind.POSTAUTH and _sum(standing, Kind.RETURN, target.parent)):
        raise NotAllowed(Reason.RETURNED)
    if asked not in (None, target.minor):
        raise NotAllowed(Reason.NOT_ALL_OF_IT)
    return target.minor


_RULES: Final[dict[Kind, Callable[[int | None, Entry, Sequence[Entry]], int]]] = {
    Kind.POSTAUTH: _post_auth,
    Kind.RETURN: _return,
    Kind.VOID: _void,
}


def _at_most(left: int, asked: int | None, reason: Reason) -> int:
    amount = left if asked is None else asked
    if not 0 < amount <= left:
        raise NotAllowed(reason)
    return amount


def _sum(entries: Sequence[Entry], kind: Kind, parent: str | None = None) -> int:
    """What those of a kind come to: all, or those that name that parent."""
    return sum(entry.minor for entry in entries if entry.kind is kind and parent in (None, entry.parent))
