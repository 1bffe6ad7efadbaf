"""Whatever a client sends: an answer or `Rejected`, and nothing else, from the verifier, from an explanation and from both middlewares."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal import fastpath
from payseal.errors import REJECTIONS
from payseal.ledger import MemoryLedger
from payseal.ledger.protocol import fingerprint
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from tests.hypothesis_profiles import TIMEOUT, settings
from tests.middleware.support import asgi_exchange, asgi_scope, body_events, wsgi_environ, wsgi_run

from .strategies import CATALOGUE, Signed, bodies, credentials, hostile, schemes, unsigned, verifier

pytestmark = TIMEOUT


def answer(check: payseal.Verifier, request: payseal.Request, now: float) -> object:
    """The proof, or all that is said of the refusal."""
    try:
        return check.verify(request, now=now)
    except payseal.Rejected as rejected:
        assert (rejected.status, rejected.title) == REJECTIONS[rejected.code]  # noqa: PT017
        assert len(str(rejected)) < 400  # noqa: PT017
        return rejected.code, rejected.detail, rejected.diagnosis


def general(check: payseal.Verifier) -> payseal.Verifier:
    """The same verifier without its fast paths."""
    check._verify_whole = check._prove = check._read_quickly = None
    return check


@settings(80)
@given(hostile())
def test_the_fast_path_and_the_general_one_give_the_same_answer(tried: tuple[Signed, payseal.Request, float]) -> None:
    case, request, now = tried
    found = answer(case.verifier(), request, now)
    assert found == answer(general(case.verifier()), request, now)
    rotating = payseal.Credential(
        case.credential.keyid, [*reversed(case.credential.reveal_secrets()), "newer"], case.credential.reveal_token()
    )
    alone = payseal.Verifier(case.scheme, rotating, allow_unkeyed=True)
    assert answer(alone, request, now) == answer(general(payseal.Verifier(case.scheme, rotating, allow_unkeyed=True)), request, now)
    read = case.verifier()
    try:
        presented = read.read(request)
        stepwise: object = read.check(request, presented, read.find(presented), now=now)
    except payseal.Rejected as rejected:
        stepwise = rejected.code, rejected.detail, rejected.diagnosis
    assert stepwise == found


def test_the_schemes_that_are_tried_take_the_fast_path_too() -> None:
    """Lest the property above compare the general path with itself."""
    for name in ("fiserv-payments", "commercehub-hmac"):
        assert verifier(CATALOGUE[name], payseal.Credential("k", "s"))._verify_whole is not None
    assert fastpath.prover(
        CATALOGUE["commercehub-digest"], verifier(CATALOGUE["fiserv-payments"], payseal.Credential("k", "s"))._padding[0]
    )


@settings(40)
@given(hostile(), st.sampled_from([None, "own", "wrong", "empty"]))
def test_an_explanation_raises_for_nothing_that_was_sent(tried: tuple[Signed, payseal.Request, float], whose: str | None) -> None:
    case, request, now = tried
    credential = {"own": case.credential, "wrong": payseal.Credential("k", "another"), "empty": payseal.Credential()}.get(whose or "")
    found = payseal.explain(request, case.scheme, credential, now=now, budget=0.004, others=[payseal.Credential("other", "one more")])
    repr(request)
    fingerprint(request)
    assert found.causes or found.verified
    assert len(repr(found)) > 0
    if whose == "own":
        assert found.verified == isinstance(
            answer(payseal.Verifier(case.scheme, case.credential, allow_unkeyed=True), request, now), payseal.Authenticated
        )


@settings(30)
@given(st.data(), schemes, credentials(), bodies, st.one_of(st.none(), st.text(max_size=40), st.sampled_from(
    ["", " ", "Mon, 01 Jan 0001 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "²", "0", ",", "\ud800"])))  # fmt: skip
def test_the_explanation_of_a_response_raises_for_no_header_of_the_server(
    data: st.DataObject, scheme: payseal.Scheme, credential: payseal.Credential, body: bytes, date: str | None
) -> None:
    requests = pytest.importorskip("requests")
    from payseal.clients.requests import SignatureAuth

    request = data.draw(unsigned(scheme, st.just(body)))
    auth = SignatureAuth(payseal.Signer(scheme, credential))
    method = request.method if request.method != "GET" else "POST"
    prepared = requests.Request(
        method, "https://api.example" + request.target, headers={"X-Note": request.values("x-note")[0]}, data=body, auth=auth
    )
    response = requests.Response()
    response.request = prepared.prepare()
    if date is not None:
        response.headers["Date"] = date
    found = payseal.explain_response(response, auth, budget=0.002)
    assert found.checks[-1].name == "as sent"


# --- the middlewares, called as servers call them ----------------------------------------------------------------------------


def application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("204 No Content", [])
    return [b""]


async def async_application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


STATUSES: Final = {204, *(status for status, _ in REJECTIONS.values())} - {503}


def latin(value: Any) -> str:
    """As a server hands it over."""
    text: str = value.decode("latin-1") if isinstance(value, bytes) else value.encode("utf-8", "replace").decode("latin-1")
    return text


@settings(40)
@given(hostile(), st.sampled_from([None, "0", "1", "x", "9" * 30, "-1", "١"]))
def test_a_wsgi_server_gets_an_answer_to_anything(tried: tuple[Signed, payseal.Request, float], length: str | None) -> None:
    case, request, now = tried
    body = b"".join(bytes(piece) for piece in request.pieces())
    check = payseal.Verifier(case.scheme, {case.credential.keyid: case.credential}, allow_unkeyed=True, clock=lambda: now)
    site = WSGIMiddleware(application, check, MemoryLedger(clock=lambda: now))
    headers = [(latin(name), latin(value)) for name, value in request.headers]
    environ = wsgi_environ(latin(request.method), latin(request.target), headers, body)
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    reply = wsgi_run(site, environ)
    assert reply.status in STATUSES
    assert b"Traceback" not in reply.body


@settings(40)
@given(hostile(), st.sampled_from([None, b"0", b"1", b"x", b"9" * 30, b"-1", b"\xff"]))
def test_an_asgi_server_gets_an_answer_to_anything(tried: tuple[Signed, payseal.Request, float], length: bytes | None) -> None:
    case, request, now = tried
    body = b"".join(bytes(piece) for piece in request.pieces())
    check = payseal.Verifier(case.scheme, {case.credential.keyid: case.credential}, allow_unkeyed=True, clock=lambda: now)
    site = ASGIMiddleware(async_application, check, MemoryLedger(clock=lambda: now))
    scope = asgi_scope(latin(request.method))
    target = latin(request.target).encode("latin-1")
    path, _, query = target.partition(b"?")
    scope |= {"path": path.decode("utf-8", "replace"), "raw_path": path, "query_string": query}
    scope["headers"] = [
        (latin(name).lower().encode("latin-1", "replace"), latin(value).encode("latin-1")) for name, value in request.headers
    ]
    if length is not None:
        scope["headers"].append((b"content-length", length))
    sent = asyncio.run(asgi_exchange(site, scope, body_events(body)))
    assert sent[0]["status"] in STATUSES
    assert b"Traceback" not in b"".join(message.get("body", b"") for message in sent)
