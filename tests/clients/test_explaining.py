"""`explain_response`: a response leads back to the request that was sent, and to whose fault it is."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest
import requests

import payseal
import payseal.clients.httpx
import payseal.clients.httpx2
import payseal.clients.requests
from payseal.clients.explaining import explain_response
from payseal.errors import SigningError
from tests.clients.recording_server import CREDENTIAL, SECRET, TOKEN, RecordingServer, answer, scheme

MODULES: list[tuple[ModuleType, Any]] = [
    (requests, payseal.clients.requests.SignatureAuth),
    (httpx, payseal.clients.httpx.SignatureAuth),
    (httpx2, payseal.clients.httpx2.SignatureAuth),
]
Send = Callable[..., Any]


def signer(name: str = "fiserv-payments", *, clock: Callable[[], float] = time.time) -> payseal.Signer:
    return payseal.Signer(scheme(name), CREDENTIAL, clock=clock)


@pytest.fixture(params=MODULES, ids=lambda pair: pair[0].__name__)
def library(request: pytest.FixtureRequest) -> tuple[Send, Any]:
    """What sends a request with that library, and its auth."""
    module, auth = request.param
    if module is requests:

        def send(method: str, url: str, **arguments: Any) -> Any:
            with requests.Session() as session:
                session.trust_env = False
                return session.request(method, url, **arguments)
    else:

        def send(method: str, url: str, **arguments: Any) -> Any:
            with module.Client(trust_env=False, verify=False) as client:
                return client.request(method, url, **arguments)

    return send, auth


def refusing(**headers: str) -> RecordingServer:
    return RecordingServer(answer(401, extra=list(headers.items())))


@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac", "commercehub-digest", "startbutton-transfer", "covering"])
def test_a_request_that_is_right_as_it_was_sent_puts_the_blame_elsewhere(library: tuple[Send, Any], name: str) -> None:
    send, make = library
    auth = make(signer(name))
    with refusing() as server:
        response = send("POST", f"{server.origin}/pay?a=1", json={"amount": 12, "name": "Zoë"}, auth=auth)
    explanation = explain_response(response, auth)
    assert (explanation.verified, explanation.causes) == (True, ())
    assert explanation.checks[-1].name == "as sent"
    assert explanation.checks[-1].passed
    assert "server" in explanation.checks[-1].detail


def body_of(auth: Any, content: object) -> dict[str, object]:
    return {"data" if auth is payseal.clients.requests.SignatureAuth else "content": content}


def pieces() -> Iterator[bytes]:
    yield b"one,"
    yield b"two"


@pytest.mark.parametrize("body", ["file", "pieces", "empty", "binary"])
def test_every_kind_of_body_is_had_again(library: tuple[Send, Any], body: str, tmp_path: Path) -> None:
    send, make = library
    auth = make(signer())
    (tmp_path / "body").write_bytes(b"from a file")
    with refusing() as server, (tmp_path / "body").open("rb") as file:
        content = {"file": file, "pieces": pieces(), "empty": b"", "binary": bytes(range(256))}[body]
        response = send("POST", f"{server.origin}/pay", auth=auth, **body_of(make, content))
        assert explain_response(response, auth).verified


def test_a_clock_that_is_off_shows_by_the_servers_date(library: tuple[Send, Any]) -> None:
    send, make = library
    for off, code in ((-3600, "created-outside-window"), (3600, "created-clock-skew")):
        auth = make(signer(clock=lambda off=off: time.time() + off))  # type: ignore[misc]
        with refusing(Date=formatdate(time.time(), usegmt=True)) as server:
            response = send("POST", f"{server.origin}/pay", json={"amount": 12}, auth=auth)
        explanation = explain_response(response, auth)
        assert [(cause.code, cause.proven) for cause in explanation.causes] == [(code, True)]
        assert (explanation.verified, explanation.checks[-1].passed) == (False, False)
        assert explain_response(response, auth, now=time.time() + off).verified


def test_the_servers_clock_may_be_the_one_that_is_off(library: tuple[Send, Any]) -> None:
    send, make = library
    auth = make(signer())
    for date, verified in ((formatdate(time.time() - 9000, usegmt=True), False), ("yesterday", True), ("", True)):
        with refusing(Date=date) as server:
            response = send("POST", f"{server.origin}/pay", json={}, auth=make(signer()))
        assert explain_response(response, auth).verified == verified


def test_what_was_changed_after_it_was_signed_is_found() -> None:
    auth = payseal.clients.requests.SignatureAuth(signer())
    prepared = auth(requests.Request("POST", "http://api.example/pay", data=b'{"a": 1}').prepare())
    prepared.body = b'{"a":1}'
    explanation = explain_response(SimpleNamespace(request=prepared, headers={}), auth)
    assert [(cause.code, cause.proven) for cause in explanation.causes] == [("body-respaced", True)]
    assert explanation.signed_base.endswith(b'{"a": 1}')
    prepared.body = '{"a": 1}'
    assert explain_response(SimpleNamespace(request=prepared, headers={}), auth).verified


@pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: module.__name__)
def test_an_asynchronous_client(module: ModuleType) -> None:
    auth = (payseal.clients.httpx if module is httpx else payseal.clients.httpx2).SignatureAuth(signer("covering"))

    async def chunks() -> Any:
        for piece in pieces():
            yield piece

    async def send(origin: str) -> Any:
        async with module.AsyncClient(trust_env=False, verify=False) as client:
            return await client.post(f"{origin}/pay", content=chunks(), headers={"Content-Type": "text/plain"}, auth=auth)

    with refusing() as server:
        response = asyncio.run(send(server.origin))
    assert explain_response(response, auth).verified


def test_a_body_that_is_gone_is_said_and_not_guessed() -> None:
    auth = payseal.clients.requests.SignatureAuth(signer())
    file = io.BytesIO(b"content")
    prepared = auth(requests.Request("POST", "http://api.example/pay", data=file).prepare())
    file.close()
    with pytest.raises(SigningError, match="cannot be read again"):
        explain_response(SimpleNamespace(request=prepared, headers={}), auth)
    unsigned = requests.Request("POST", "http://api.example/pay", data=pieces()).prepare()
    with pytest.raises(SigningError, match="cannot be read again"):
        explain_response(SimpleNamespace(request=unsigned, headers={}), auth)

    async def chunks() -> Any:
        yield b""

    foreign = httpx.Request("POST", "http://api.example/pay", content=chunks())
    with pytest.raises(SigningError, match="cannot be read again"):
        explain_response(SimpleNamespace(request=foreign, headers={}), auth)


def test_another_kind_of_auth_or_response_is_refused() -> None:
    auth = payseal.clients.requests.SignatureAuth(signer())
    with pytest.raises(TypeError, match="SignatureAuth"):
        explain_response(SimpleNamespace(), object())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="response of requests"):
        explain_response(object(), auth)


def test_nothing_of_the_credential_is_shown(library: tuple[Send, Any]) -> None:
    send, make = library
    for name in ("fiserv-payments", "commercehub-digest", "startbutton-transfer"):
        auth = make(signer(name))
        with refusing() as server:
            response = send("POST", f"{server.origin}/pay", auth=auth, **body_of(make, TOKEN.encode()))
        explanation = explain_response(response, auth)
        text = repr(explanation).encode() + explanation.signature_base + explanation.signed_base
        assert TOKEN.encode() not in text
        assert SECRET.encode() not in text
