"""When a request was signed, against its window: every place lies inside the drawing, whatever time was sent."""

from __future__ import annotations

import pytest

from payseal import Credential, Request, scheme
from payseal.middleware import Decision, Witnessed
from payseal.server.console.timeline import Timeline, timeline_of
from payseal.server.sightings import sighted

NOW = 1_790_000_000.0


def drawn(created: str | None, name: str = "fiserv-payments", at: float = NOW) -> Timeline | None:
    headers = {"Api-Key": "known", "Client-Request-Id": "order-1", **({} if created is None else {"Timestamp": created})}
    decision = Decision("outside-window", 401, name, None, None, None, None, 0.001, "trace")
    found = sighted(Witnessed(decision, Request("POST", "/x", headers, b"{}")), scheme(name), Credential("known", "a-secret"), at)
    assert found is not None
    return timeline_of(found)


@pytest.mark.parametrize(
    ("offset", "fresh", "sentence"),
    [
        (0, True, "at the same moment as"),
        (-301, False, "5 minutes before"),
        (-300, True, "5 minutes before"),
        (300, True, "5 minutes after"),
        (301, False, "5 minutes after"),
        (-7 * 86_400, False, "7 days before"),
    ],
)
def test_a_time_is_placed_in_or_outside_the_window(offset: int, fresh: bool, sentence: str) -> None:
    line = drawn(f"{(NOW + offset) * 1000:.0f}")
    assert line is not None
    assert line.created == NOW + offset
    assert line.fresh is fresh
    assert sentence in line.sentence
    assert line.opens_x < line.received_x < line.closes_x
    assert line.created_x is not None
    assert (line.opens_x - 1 <= line.created_x <= line.closes_x + 1) is (abs(offset) < 310)
    assert (line.closes - line.opens) == 600


@pytest.mark.parametrize(
    "created", [None, "", "yesterday", "1790000000", "0000000000000", "9999999999999", "5" * 16, "-1", "1e12", "²" * 13]
)
def test_whatever_was_sent_the_drawing_stands(created: str | None) -> None:
    line = drawn(created)
    assert line is not None
    assert (line.created, line.created_x, line.fresh) == (None, None, None)
    assert "is missing, or is not written as the scheme has it" in line.sentence
    for place in (line.opens_x, line.received_x, line.closes_x):
        assert 0 <= place <= line.width


@pytest.mark.parametrize("years", [-9, 9])
def test_what_is_far_away_is_drawn_at_the_edge(years: int) -> None:
    line = drawn(f"{(NOW + years * 365 * 86_400) * 1000:.0f}")
    assert line is not None
    assert line.created_x in (60, line.width - 60)


def test_a_time_that_is_not_sent_has_a_window_and_one_that_is_not_there_has_none() -> None:
    line = drawn(None, "startbutton-transfer")
    assert line is not None
    assert line.sentence == "The time is not sent: a verifier tries those of its window."
    assert drawn(None, "startbutton-webhook") is None
