"""A webhook goes where it may go, and whoever receives it harms nobody. See also tests/server/sandbox/test_webhooks.py."""

from __future__ import annotations

import pytest
from attacks.outward.site import site
from attacks.outward.webhooks import ENDLESS, REBOUND, REDIRECTS, URLS, answered_by, at_the_door, rebound, redirected
from attacks.rows import Row, Tally

from tests.server.sandbox.calls import eventually, receiving, transfer
from tests.server.sandbox.samples import TRANSFER


def held(tally: Tally) -> Row:
    row = tally.row()
    assert row.through == 0, row.seen
    assert row.tried > 0
    return row


def test_no_url_of_another_machine_is_taken_and_one_of_this_machine_is() -> None:
    tally = Tally("door", "")
    with site() as sandbox, receiving() as receiver:
        at_the_door(sandbox, tally, URLS[::4])
        answer = transfer(sandbox, {**TRANSFER, "reference": "outwardgenuine01", "webhookUrl": receiver.url})
        assert answer.status == 200
        eventually(lambda: receiver.events() == ["pending", "successful"])
    held(tally)


def test_no_name_leads_elsewhere_once_it_was_judged() -> None:
    tally = Tally("rebound", "")
    rebound(tally, REBOUND[::2])
    held(tally)


def test_no_redirect_is_followed() -> None:
    tally = Tally("redirected", "")
    redirected(tally, REDIRECTS[1::3])
    assert set(held(tally).seen) == {"not followed, given up after 2 attempts"}


@pytest.mark.parametrize(
    "name", ["100 Continue without end", "headers of 100 Continue without end", "one chunk without end", "what unpacks to 50 MB"]
)
def test_an_answer_without_end_ends(name: str) -> None:
    assert name in ENDLESS
    tally = Tally("endless", "")
    answered_by(tally, [name])
    held(tally)
