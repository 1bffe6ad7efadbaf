"""No way in: whatever the bytes on the wire, an application gets what the verifier saw and the key's owner signed, or nothing."""

from __future__ import annotations

import dataclasses

import pytest
from attacks.ways_in.attack import mistakes, outcomes
from attacks.ways_in.echo import ROOT_PATHS, SERVERS, Got, echoing
from attacks.ways_in.signed_requests import BODY, LINE, Forger
from attacks.ways_in.ways import KINDS, WAYS
from attacks.ways_in.wire import said, talk

from payseal import Request

#: Each of them is tried in all ways; those that mount the application, and come after, in every fifth.
SERVERS_ALONE = 4


@pytest.mark.parametrize("server", SERVERS)
def test_what_was_signed_passes_and_arrives_as_it_was_signed(server: str) -> None:
    forger = Forger(ROOT_PATHS.get(server, ""))
    signed = forger.sign()
    with echoing(server) as echo:
        passed = talk(echo.port, signed.wire(), 5)
        again = talk(echo.port, signed.wire(), 5)
        changed = talk(echo.port, forger.sign().wire(body=BODY.replace(b"12", b"99")), 5)
        unsigned = talk(echo.port, b"POST /v1/orders HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n", 5)
    assert passed.statuses == [200]
    (got,) = echo.got[passed.client]
    assert mistakes(got, forger) == []
    assert (got.method, got.path, got.query, got.body) == ("POST", "/v1/orders", "ref=1", BODY)
    assert [said(each) for each in (again, changed, unsigned)] == ["replayed", "invalid-signature", "missing-header"]
    assert len(echo.got) == 1


@pytest.mark.parametrize("server", SERVERS)
def test_no_way_lets_an_application_get_what_was_not_signed(server: str) -> None:
    found = outcomes(server, WAYS if list(SERVERS).index(server) < SERVERS_ALONE else WAYS[::5])
    assert [(str(each.way), each.wrong) for each in found if each.wrong] == []
    # A server that refused everything, or took everything, would have shown nothing.
    seen = [each.seen for each in found]
    assert seen.count("passed, as it was signed") > len(seen) // 10
    assert {"invalid-signature", "malformed-header", "missing-header", "passed, as it was signed"} <= set(seen)
    assert "unavailable" not in seen  # payseal's own word for what should not happen


def test_the_list_has_every_kind_and_no_way_twice() -> None:
    assert {way.kind for way in WAYS} == set(KINDS)
    assert len({str(way) for way in WAYS}) == len(WAYS)


def test_the_judge_sees_every_difference() -> None:
    forger = Forger()
    signed = forger.sign()
    headers = [(name.lower(), value) for name, value in signed.headers.items()]
    saw = Request(signed.method, signed.target, headers, signed.body)
    right = Got("POST", "/v1/orders", "ref=1", headers, BODY, saw)
    assert mistakes(right, forger) == []
    for changed in (
        {"saw": None},
        {"method": "DELETE"},
        {"path": "/v1/admin"},
        {"query": "ref=2"},
        {"body": b"{}"},
        {"headers": [(name, "0.01" if name == "x-amount" else value) for name, value in headers]},
        {"headers": [*headers, ("x-amount", "12.50")]},
        {"headers": [*headers, ("x-other", "1")]},
        {"headers": [pair for pair in headers if pair[0] != "content-type"]},
        {"headers": [pair for pair in headers if pair[0] != "x-request-id"]},
        {"saw": Request("POST", "/v1/orders?ref=2", headers, BODY)},
        {"saw": Request("POST", signed.target, headers, b"{}")},
    ):
        assert mistakes(dataclasses.replace(right, **changed), forger), changed
    assert mistakes(right, Forger()) == ["nobody signed it"]


def test_the_bytes_on_the_wire_are_those_that_a_client_sends() -> None:
    signed = Forger().sign()
    head, body = signed.wire().split(LINE * 2)
    assert head.split(LINE)[0] == b"POST /v1/orders?ref=1 HTTP/1.1"
    assert body == BODY
    assert b"\r\nContent-Length: 18\r\n" in head
