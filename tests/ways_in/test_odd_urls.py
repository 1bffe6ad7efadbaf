"""What each client signs is what it sends, whatever its library makes of the URL."""

from __future__ import annotations

import pytest
from attacks.ways_in.odd_urls import CLIENTS, HOSTS, TARGETS, asking


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_sent_is_what_was_signed(client: str) -> None:
    with asking(client) as ask:
        found = {
            (host, target): ask(host, target) for host, target in (*(("", each) for each in TARGETS), *((each, "/a?b") for each in HOSTS))
        }
    assert {where: seen for where, (seen, wrong) in found.items() if wrong} == {}
    assert sum(seen == "signed as it was sent" for seen, _ in found.values()) > 80
    assert found["", "/a?"][0] == found["bücher.example", "/a?b"][0] == "signed as it was sent"
