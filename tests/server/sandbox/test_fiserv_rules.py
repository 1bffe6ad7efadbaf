"""What may follow what: the rules about amounts, alone, and held against sums that are kept another way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payseal.server.sandbox.fiserv.rules import Entry, Kind, NotAllowed, Reason, Wanted, weigh

POSTAUTH, VOID, RETURN = Kind.POSTAUTH, Kind.VOID, Kind.RETURN


def build(*steps: tuple[Kind, int, int | None], currency: str = "EUR") -> list[Entry]:
    """An order: (kind, amount, place of the parent in it). A void marks what it voids."""
    entries: list[Entry] = []
    for place, (kind, minor, parent) in enumerate(steps):
        entries.append(Entry(str(place), kind, minor, currency, None if parent is None else str(parent), False, 0))
        if kind is VOID:
            assert parent is not None
            entries[parent] = replace(entries[parent], voided=True)
    return entries


SALE = (Kind.SALE, 100, None)
PREAUTH = (Kind.PREAUTH, 100, None)


@pytest.mark.parametrize(
    ("steps", "kind", "target", "asked", "amount"),
    [
        ([SALE], RETURN, 0, 100, 100),
        ([SALE], RETURN, 0, 1, 1),
        ([SALE], RETURN, 0, None, 100),
        ([SALE, (RETURN, 60, 0)], RETURN, 0, 40, 40),
        ([SALE, (RETURN, 60, 0)], RETURN, 0, None, 40),
        ([SALE, (RETURN, 100, 0), (VOID, 100, 1)], RETURN, 0, 100, 100),
        ([SALE], VOID, 0, None, 100),
        ([SALE], VOID, 0, 100, 100),
        ([SALE, (RETURN, 60, 0)], VOID, 1, None, 60),
        ([SALE, (RETURN, 60, 0), (VOID, 60, 1)], VOID, 0, None, 100),
        ([PREAUTH], POSTAUTH, 0, 100, 100),
        ([PREAUTH], POSTAUTH, 0, None, 100),
        ([PREAUTH, (POSTAUTH, 60, 0)], POSTAUTH, 0, 40, 40),
        ([PREAUTH, (POSTAUTH, 100, 0), (VOID, 100, 1)], POSTAUTH, 0, 100, 100),
        ([PREAUTH], VOID, 0, None, 100),
        ([PREAUTH, (POSTAUTH, 60, 0)], VOID, 1, None, 60),
        ([PREAUTH, (POSTAUTH, 60, 0), (VOID, 60, 1)], VOID, 0, None, 100),
        ([PREAUTH, (POSTAUTH, 60, 0)], RETURN, 1, 60, 60),
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0)], RETURN, 0, 100, 100),
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0), (RETURN, 90, 0)], RETURN, 1, None, 10),
        # A return of one post-authorisation keeps no other from being voided.
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0), (RETURN, 60, 1)], VOID, 2, None, 40),
    ],
)
def test_what_is_allowed(steps: list[tuple[Kind, int, int | None]], kind: Kind, target: int, asked: int | None, amount: int) -> None:
    order = build(*steps)
    assert weigh(Wanted(kind, None if asked is None else (asked, "EUR")), order[target], order) == amount


@pytest.mark.parametrize(
    ("steps", "kind", "target", "asked", "reason"),
    [
        ([SALE], RETURN, 0, 101, Reason.MORE_THAN_CAPTURED),
        ([SALE, (RETURN, 60, 0)], RETURN, 0, 41, Reason.MORE_THAN_CAPTURED),
        ([SALE, (RETURN, 100, 0)], RETURN, 0, 1, Reason.MORE_THAN_CAPTURED),
        ([SALE, (RETURN, 100, 0)], RETURN, 0, None, Reason.MORE_THAN_CAPTURED),
        ([SALE, (RETURN, 60, 0)], RETURN, 1, 60, Reason.NOTHING_TO_RETURN),
        ([SALE, (VOID, 100, 0)], RETURN, 0, 1, Reason.NOTHING_TO_RETURN),
        ([SALE, (VOID, 100, 0)], RETURN, 1, 1, Reason.NOTHING_TO_RETURN),
        ([PREAUTH], RETURN, 0, 1, Reason.NOTHING_TO_RETURN),
        ([PREAUTH, (POSTAUTH, 60, 0)], RETURN, 0, 61, Reason.MORE_THAN_CAPTURED),
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0)], RETURN, 1, 61, Reason.MORE_THAN_CAPTURED),
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0), (RETURN, 90, 0)], RETURN, 1, 11, Reason.MORE_THAN_CAPTURED),
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0), (VOID, 60, 1)], RETURN, 1, 1, Reason.NOTHING_TO_RETURN),
        ([PREAUTH], POSTAUTH, 0, 101, Reason.MORE_THAN_AUTHORISED),
        ([PREAUTH, (POSTAUTH, 60, 0)], POSTAUTH, 0, 41, Reason.MORE_THAN_AUTHORISED),
        ([PREAUTH, (POSTAUTH, 100, 0)], POSTAUTH, 0, 1, Reason.NOTHING_LEFT_TO_CAPTURE),
        ([PREAUTH, (POSTAUTH, 100, 0), (RETURN, 100, 1)], POSTAUTH, 0, 1, Reason.NOTHING_LEFT_TO_CAPTURE),
        ([PREAUTH, (VOID, 100, 0)], POSTAUTH, 0, 1, Reason.NOT_AN_OPEN_PREAUTH),
        ([PREAUTH, (POSTAUTH, 60, 0)], POSTAUTH, 1, 1, Reason.NOT_AN_OPEN_PREAUTH),
        ([SALE], POSTAUTH, 0, 1, Reason.NOT_AN_OPEN_PREAUTH),
        ([SALE, (VOID, 100, 0)], VOID, 0, None, Reason.NOT_VOIDABLE),
        ([SALE, (VOID, 100, 0)], VOID, 1, None, Reason.NOT_VOIDABLE),
        ([SALE, (RETURN, 1, 0)], VOID, 0, None, Reason.RETURNED),
        ([SALE], VOID, 0, 99, Reason.NOT_ALL_OF_IT),
        ([SALE], VOID, 0, 101, Reason.NOT_ALL_OF_IT),
        ([PREAUTH, (POSTAUTH, 1, 0)], VOID, 0, None, Reason.CAPTURED),
        ([PREAUTH, (POSTAUTH, 60, 0), (RETURN, 1, 1)], VOID, 1, None, Reason.RETURNED),
        # Of which capture the order's return is, nobody has said.
        ([PREAUTH, (POSTAUTH, 60, 0), (POSTAUTH, 40, 0), (RETURN, 1, 0)], VOID, 2, None, Reason.RETURNED),
    ],
)
def test_what_is_not(steps: list[tuple[Kind, int, int | None]], kind: Kind, target: int, asked: int | None, reason: Reason) -> None:
    order = build(*steps)
    with pytest.raises(NotAllowed) as refused:
        weigh(Wanted(kind, None if asked is None else (asked, "EUR")), order[target], order)
    assert refused.value.reason is reason


@pytest.mark.parametrize("kind", [POSTAUTH, VOID, RETURN])
@pytest.mark.parametrize("primary", [SALE, PREAUTH])
def test_another_currency_is_refused_before_its_amount_is_looked_at(kind: Kind, primary: tuple[Kind, int, None]) -> None:
    order = build(primary, currency="JPY")
    with pytest.raises(NotAllowed) as refused:
        weigh(Wanted(kind, (100, "EUR")), order[0], order)
    assert refused.value.reason is Reason.OTHER_CURRENCY


@pytest.mark.parametrize("asked", [0, -1, -100])
@pytest.mark.parametrize(("primary", "kind"), [(SALE, RETURN), (PREAUTH, POSTAUTH)])
def test_nothing_and_less_than_nothing_are_no_amounts(primary: tuple[Kind, int, None], kind: Kind, asked: int) -> None:
    order = build(primary)
    with pytest.raises(NotAllowed):
        weigh(Wanted(kind, (asked, "EUR")), order[0], order)


ATTEMPTS = st.lists(
    st.tuples(st.sampled_from([POSTAUTH, VOID, RETURN]), st.integers(0, 12), st.none() | st.integers(1, 130)), min_size=1, max_size=25
)


@given(st.sampled_from([SALE, PREAUTH]), ATTEMPTS)
def test_whatever_is_tried_the_sums_hold(primary: tuple[Kind, int, None], attempts: list[tuple[Kind, int, int | None]]) -> None:
    """Held against plain sums over what was let through: the gateway never has less than it gives back."""
    order = build(primary)
    for kind, place, asked in attempts:
        target = order[place % len(order)]
        try:
            amount = weigh(Wanted(kind, None if asked is None else (asked, "EUR")), target, order)
        except NotAllowed:
            continue
        assert amount > 0
        assert asked in (None, amount)
        assert not target.voided
        if kind is VOID:
            order = [replace(entry, voided=True) if entry is target else entry for entry in order]
        order.append(Entry(str(len(order)), kind, amount, "EUR", target.id, False, 0))

        standing = [entry for entry in order if not entry.voided]
        captured = sum(entry.minor for entry in standing if entry.kind in (Kind.SALE, POSTAUTH))
        returned = sum(entry.minor for entry in standing if entry.kind is RETURN)
        assert 0 <= returned <= captured <= 100
        for entry in standing:
            given_back = sum(each.minor for each in standing if each.kind is RETURN and each.parent == entry.id)
            assert given_back <= (captured if entry.kind is Kind.PREAUTH else entry.minor)
        by_id = {entry.id: entry for entry in order}
        for entry in standing:  # nothing stands on what was undone
            assert entry.parent is None or entry.kind is VOID or not by_id[entry.parent].voided
