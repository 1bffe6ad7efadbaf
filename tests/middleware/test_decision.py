"""What the middleware tells of each request, and the two questions it can be given: from where, and without a signature."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from payseal import Authenticated, Request
from payseal.ledger import MemoryLedger
from payseal.middleware import ASGIMiddleware, Decision, Witnessed, WSGIMiddleware

from .support import CREDENTIAL, VERIFIER, Headers, Reply, asgi_call, signed, wsgi_call

Send = Callable[..., Reply]
BODY = b'{"amount": 1}'


@pytest.fixture(params=["asgi", "wsgi"])
def send(request: pytest.FixtureRequest) -> Send:
    """Sends a request through either middleware, made with those options; the application answers 204."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    def through(headers: Headers, ledger: MemoryLedger, **options: Any) -> Reply:
        if request.param == "asgi":
            return asgi_call(ASGIMiddleware(asgi, VERIFIER, ledger, **options), BODY, headers, client=("192.0.2.1", 4711))
        return wsgi_call(WSGIMiddleware(wsgi, VERIFIER, ledger, **options), BODY, headers, REMOTE_ADDR="192.0.2.1")

    return through


def sender(**changes: Any) -> Authenticated:
    values = {
        "scheme": "fiserv-payments",
        "keyid": "key-1",
        "account": "shop-1",
        "nonce": None,
        "created": None,
        "id": "once",
        "expires": None,
    }
    return Authenticated(**{**values, "secret_index": -1, **changes})


def test_each_request_is_told_once(send: Send) -> None:
    told: list[Decision] = []
    ledger, headers = MemoryLedger(), signed(BODY, nonce="n-1")
    wrong = [(name, "A" * 44 if name == "Message-Signature" else value) for name, value in headers]
    for each in (headers, headers, wrong, []):
        send(each, ledger, idempotent=True, on_decision=told.append)
    send(headers, ledger, on_decision=told.append)
    assert [(each.code, each.status, each.account, each.keyid, each.request_id) for each in told] == [
        ("accepted", None, "shop-1", "key-1", "n-1"),
        ("answered-again", 204, "shop-1", "key-1", "n-1"),
        ("invalid-signature", 401, None, "key-1", "n-1"),
        ("missing-header", 401, None, None, None),
        ("replayed", 409, "shop-1", "key-1", "n-1"),
    ]
    assert {(each.scheme, each.client) for each in told} == {("fiserv-payments", "192.0.2.1")}
    assert all(0 < each.latency < 5 for each in told)
    for secret in ("correct horse", dict(headers)["Message-Signature"]):
        assert secret not in repr(told)


def test_a_witness_sees_the_request_and_shows_nothing_of_it(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Witnessed] = []
    headers = signed(BODY)
    wrong = [(name, "A" * 44 if name == "Message-Signature" else value) for name, value in headers]
    with caplog.at_level(logging.INFO, "payseal"):
        for each in (headers, wrong):
            send(each, MemoryLedger(), witness=told.append)
        send([], MemoryLedger(), witness=told.append, max_body=3)
    assert [(each.decision.code, each.diagnosis) for each in told] == [
        ("accepted", ""),
        ("invalid-signature", "signature-mismatch"),
        ("body-too-large", ""),
    ]
    accepted, refused, large = told
    assert (accepted.request is not None and accepted.request.body, large.request) == (BODY, None)
    assert f"trace={refused.decision.trace}" in caplog.text
    assert len({each.decision.trace for each in told}) == 3
    for secret in ("correct horse", dict(headers)["Message-Signature"], BODY.decode()):
        assert secret not in repr(told)


def test_a_recorder_that_fails_changes_nothing(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    def broken(decision: Decision) -> None:
        raise RuntimeError("hunter2")

    assert send(signed(BODY), MemoryLedger(), on_decision=broken).status == 204
    assert send([], MemoryLedger(), on_decision=broken).status == 401
    assert "recording a decision failed" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_address_is_asked_about_after_the_proof_and_before_the_claim(send: Send) -> None:
    asked: list[tuple[str, str | None]] = []
    ledger, headers = MemoryLedger(), signed(BODY)

    def refuse(who: Authenticated, client: str | None) -> bool:
        asked.append((who.account, client))
        return False

    assert send([], ledger, admit=refuse).status == 401
    assert asked == []
    answer = send(headers, ledger, admit=refuse)
    assert answer.status == 403
    assert b"address-not-allowed" in answer.body
    assert asked == [("shop-1", "192.0.2.1")]
    assert send(headers, ledger, admit=lambda who, client: True).status == 204  # the id was not used up


def test_a_question_that_fails_refuses(send: Send) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no answer")

    assert send(signed(BODY), MemoryLedger(), admit=broken).status == 503
    assert send([], MemoryLedger(), unsigned=broken).status == 503


def test_without_a_signature_header_the_policy_decides(send: Send) -> None:
    told: list[Decision] = []
    ledger = MemoryLedger()
    assert send([], ledger, unsigned=lambda request: sender(), on_decision=told.append).status == 204
    assert send([], ledger, unsigned=lambda request: sender(), on_decision=told.append).status == 409  # its id counts like any other
    assert send([], ledger, unsigned=lambda request: None, on_decision=told.append).status == 401
    assert send([], ledger, unsigned=lambda request: sender(id="2"), admit=lambda who, client: False).status == 403
    assert [each.code for each in told] == ["accepted", "replayed", "missing-header"]


@pytest.mark.parametrize("value", ["", " ", "x", "A" * 44, "A" * 9000])
def test_a_signature_that_is_there_never_reaches_the_policy(send: Send, value: str) -> None:
    def never(request: Request) -> Authenticated:
        raise AssertionError("asked")

    for name in ("Message-Signature", "message-signature"):
        headers = [*((name, value) for name, value in signed(BODY) if name != "Message-Signature"), (name, value)]
        assert send(headers, MemoryLedger(), unsigned=never).status == 401
        assert send([(name, value)], MemoryLedger(), unsigned=never).status == 401
    assert CREDENTIAL.keyid == "key-1"
