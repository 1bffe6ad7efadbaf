"""Whatever is asked, in whatever order: no more is captured than authorised, and no more given back than was taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payseal.server.sandbox.commercehub.rules import Kind, Reason, Refused, Standing, State, cancelling, capturing, refunding

RULES: dict[Kind, Callable[[Standing, int | None], int]] = {Kind.CAPTURE: capturing, Kind.CANCEL: cancelling, Kind.REFUND: refunding}
History = list[tuple[Kind, State, int]]


def charged(state: State, *more: tuple[Kind, int]) -> Standing:
    return Standing.of([(Kind.CHARGE, state, 100), *((kind, State.AUTHORIZED, amount) for kind, amount in more)])


@given(
    captured=st.booleans(),
    total=st.integers(1, 1000),
    asked=st.lists(st.tuples(st.sampled_from(sorted(RULES)), st.none() | st.integers(1, 1200), st.booleans()), max_size=12),
)
def test_no_more_is_moved_than_there_is(captured: bool, total: int, asked: list[tuple[Kind, int | None, bool]]) -> None:
    history: History = [(Kind.CHARGE, State.CAPTURED if captured else State.AUTHORIZED, total)]
    for kind, amount, declined in asked:
        before = Standing.of(history)
        try:
            allowed = RULES[kind](before, amount)
        except Refused:
            continue
        assert allowed == (amount if amount is not None else before.left if kind is Kind.CAPTURE else before.total)
        done = State.CAPTURED if kind is Kind.CAPTURE else State.AUTHORIZED
        history.append((kind, State.DECLINED if declined else done, allowed))
        after = Standing.of(history)
        assert 0 <= after.left <= before.left
        assert not declined or after == before
    real = [(kind, amount) for kind, state, amount in history if state is not State.DECLINED]
    taken = [amount for kind, amount in real if kind is Kind.CAPTURE]
    assert len(taken) <= (0 if captured else 1)
    most = taken[0] if taken else total if captured else 0
    assert sum(amount for kind, amount in real if kind is Kind.REFUND) <= most <= total
    assert sum(amount for kind, amount in real if kind in (Kind.REFUND, Kind.CANCEL)) <= total


@pytest.mark.parametrize(
    ("rule", "standing", "amount", "reason"),
    [
        (capturing, charged(State.DECLINED), None, Reason.NOT_AUTHORISED),
        (capturing, charged(State.CAPTURED), 1, Reason.CAPTURED_BEFORE),
        (capturing, charged(State.AUTHORIZED, (Kind.CANCEL, 100)), 1, Reason.NOTHING_TO_CAPTURE),
        (capturing, charged(State.AUTHORIZED, (Kind.CANCEL, 40)), 61, Reason.CAPTURE_TOO_LARGE),
        (cancelling, charged(State.DECLINED), None, Reason.NOTHING_TO_CANCEL),
        (cancelling, charged(State.CAPTURED, (Kind.REFUND, 1)), 1, Reason.REFUNDED_ALREADY),
        (cancelling, charged(State.AUTHORIZED, (Kind.CANCEL, 40)), None, Reason.CANCEL_TOO_LARGE),
        (refunding, charged(State.AUTHORIZED), 1, Reason.NOT_CAPTURED),
        (refunding, charged(State.CAPTURED, (Kind.CANCEL, 100)), 1, Reason.NOT_CAPTURED),
        (refunding, charged(State.CAPTURED, (Kind.REFUND, 100)), 1, Reason.NOTHING_TO_REFUND),
        (refunding, charged(State.CAPTURED, (Kind.CANCEL, 40)), 61, Reason.REFUND_TOO_LARGE),
        (refunding, charged(State.CAPTURED, (Kind.REFUND, 1)), None, Reason.REFUND_TOO_LARGE),
    ],
)
def test_what_is_refused_says_why(
    rule: Callable[[Standing, int | None], int], standing: Standing, amount: int | None, reason: Reason
) -> None:
    with pytest.raises(Refused) as caught:
        rule(standing, amount)
    assert caught.value.reason is reason


def test_a_charge_that_was_cancelled_whole_is_void() -> None:
    assert charged(State.AUTHORIZED, (Kind.CANCEL, 40)).state is State.AUTHORIZED
    assert charged(State.AUTHORIZED, (Kind.CANCEL, 40), (Kind.CANCEL, 60)).state is State.VOIDED
