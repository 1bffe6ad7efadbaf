"""Mistakes that others have made with signed requests, one test each where no other file of these tests is about it."""

from __future__ import annotations

import binascii
import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import payseal
from payseal import credentials, fastpath, mac, verification
from payseal.ledger import MemoryLedger
from payseal.middleware import WSGIMiddleware
from payseal.schemes import catalogue_names
from tests.middleware.support import wsgi_environ, wsgi_run

NOW: Final = 1_782_000_123.0
BODY: Final = b'{"amount":1000}'
CREDENTIAL: Final = payseal.Credential("merchant-1", "a secret", "a-token")
FISERV: Final = payseal.scheme("fiserv-payments")
SOURCE: Final = Path(payseal.__file__).parent


def sent(body: bytes = BODY, created: float = NOW, nonce: str | None = "order-17a", headers: Mapping[str, Any] = {}) -> payseal.Request:
    made = payseal.Signer(FISERV, CREDENTIAL).sign(payseal.Request("POST", "/pay", body=body), created=created, nonce=nonce)
    return payseal.Request("POST", "/pay", {**made, **headers}, body)


def code(request: payseal.Request, now: float = NOW, scheme: payseal.Scheme = FISERV, known: Any = None) -> str:
    try:
        payseal.Verifier(scheme, known or {"merchant-1": CREDENTIAL}).verify(request, now=now)
    except payseal.Rejected as rejected:
        return rejected.code
    return "accepted"


# --- of a webhook verifier: its own errors leak, a body must be text, times are read loosely ----------------------------------


@pytest.mark.parametrize("name", ["Api-Key", "Client-Request-Id", "Timestamp", "Message-Signature"])
@pytest.mark.parametrize(
    "value", ["", "=", "====", "a", "é", "v1", "v1,", ",", "t=,v1=", "\0", "-1", "[]", "None", "٣", "\ud800", "%", "'", "A" * 43 + "é"]
)
def test_a_malformed_header_is_the_librarys_own_refusal(name: str, value: str) -> None:
    """And no `ValueError`, `binascii.Error`, `KeyError`, `TypeError`, `IndexError` or `UnicodeError`."""
    others = (ValueError, KeyError, TypeError, IndexError, binascii.Error)
    try:
        found = code(sent(headers={name: value}))
    except others as error:  # what is tried for; `Rejected` is none of them
        raise AssertionError(f"{type(error).__name__}") from error
    assert found in ("malformed-header", "invalid-signature")


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x80", bytes(range(256)), "ключ".encode("utf-16"), b"\xed\xa0\x80", b"\0" * 9])
def test_a_body_that_is_no_text_is_a_body(body: bytes) -> None:
    assert code(sent(body)) == "accepted"
    assert code(payseal.Request("POST", "/pay", sent(body).headers, body + b"\0")) == "invalid-signature"
    assert payseal.explain(sent(body), FISERV, CREDENTIAL, now=NOW, budget=0.01).verified


def test_a_fraction_is_no_time_and_a_datetime_is_not_signed() -> None:
    assert code(sent(headers={"Timestamp": "1700000000.9"}), 1_700_000_000.9) == "malformed-header"
    for moment in (datetime.datetime(2026, 6, 21), datetime.datetime(2026, 6, 21, tzinfo=datetime.timezone(datetime.timedelta(hours=3)))):  # noqa: DTZ001
        with pytest.raises(payseal.SigningError, match="seconds since the epoch"):
            sent(created=moment)  # type: ignore[arg-type]


# --- of a payment SDK: the future is accepted, 0 turns the check off, a signature that is not ASCII ---------------------------


@pytest.mark.parametrize("ahead", [300.001, 3_600, 31_536_000, 3e9])
def test_a_time_ahead_is_refused(ahead: float) -> None:
    assert code(sent(created=NOW + ahead)) == "outside-window"


@pytest.mark.parametrize("tolerance", [0, 0.0, -1, False])
def test_a_tolerance_of_nothing_is_a_mistake_and_not_a_switch(tolerance: Any) -> None:
    with pytest.raises(payseal.SchemeError, match="cannot be turned off"):
        payseal.scheme("fiserv-payments", created={"tolerance": tolerance})


@pytest.mark.parametrize("signature", ["é" * 44, "А" + "A" * 42 + "=", "\u212a" * 44, "￼" * 44, "🔑" * 44])
def test_a_signature_that_is_not_ascii_is_refused(signature: str) -> None:
    for value in (signature, signature.encode()):
        assert code(sent(headers={"Message-Signature": value})) == "malformed-header"


# --- of gateways: comparing with ==, a weaker algorithm, things left uncovered ------------------------------------------------


def test_macs_are_compared_in_one_place_and_in_constant_time() -> None:
    """Whatever is secret or proves something is compared by `hmac.compare_digest`."""
    for module in (verification, fastpath, credentials, mac):
        assert "compare_digest" in Path(str(module.__file__)).read_text("utf-8")
    loose = re.compile(r"(signature|digest|encode\(mac\)|secret|\bmac)\s*[!=]=\s*[a-z_]|[!=]=\s*(signature|secret|expected)\b")
    for name in ("verification", "fastpath", "presented", "credentials", "mac"):
        for line in (SOURCE / f"{name}.py").read_text("utf-8").splitlines():
            code_of_it = line.partition("#")[0]
            assert not loose.search(code_of_it) or '"signature"' in code_of_it, line


@pytest.mark.parametrize("algorithm", ["sha1", "hmac-sha1", "md5", "HMAC-SHA256", "hmac_sha256", "none", "", "hmac-sha", "hmac-sha2560"])
def test_an_algorithm_that_is_not_known_is_no_other_one(algorithm: str) -> None:
    with pytest.raises(payseal.SchemeError) as caught:
        payseal.scheme("fiserv-payments", signature={"algorithm": algorithm})
    assert caught.value.key == "signature.algorithm"


@pytest.mark.parametrize("base", ["{nonce}{created}", "{keyid}.{nonce}.{created}", "{method} {target}\n{nonce}\n{created}"])
def test_a_scheme_that_leaves_the_body_out_is_refused(base: str) -> None:
    with pytest.raises(payseal.SchemeError, match="does not cover the body"):
        payseal.scheme("fiserv-payments", signature={"base": base})


@pytest.mark.parametrize("word", ["nonce", "created"])
def test_a_scheme_that_leaves_the_id_or_the_time_out_is_refused(word: str) -> None:
    """Change it and replay: what tells one request from the next is always signed."""
    base = "{keyid}\n{nonce}\n{created}\n{body}".replace(f"{{{word}}}\n", "")
    with pytest.raises(payseal.SchemeError, match=f"does not cover {{{word}}}"):
        payseal.scheme("fiserv-payments", signature={"base": base})
    for name in catalogue_names():
        scheme = payseal.scheme(name)
        covered = {str(part) for part in scheme.signature.base.parts}
        assert ("{nonce}" in covered) == (scheme.nonce is not None)
        assert ("{created}" in covered) == (scheme.created is not None)


@pytest.mark.parametrize("target", ["/pay?to=a", "/pay?to=b&x", "/pay?", "/pay", "/Pay?to=a", "/pay/?to=a", "/p%61y?to=a"])
def test_the_query_is_covered_with_the_target(target: str) -> None:
    scheme = payseal.scheme("fiserv-payments", signature={"base": "{method} {target}\n{nonce}\n{created}\n{body}"})
    original = payseal.Request("POST", "/pay?to=a", body=BODY)
    headers = payseal.Signer(scheme, CREDENTIAL).sign(original, created=NOW)
    expected = "accepted" if target == "/pay?to=a" else "invalid-signature"
    assert code(payseal.Request("POST", target, headers, BODY), scheme=scheme) == expected


# --- of a webhook gateway and an authorizer: the id -------------------------------------------------------------------------


def test_another_id_is_another_request() -> None:
    """The id is signed: whoever exchanges it to have a request accepted again has no signature for it."""
    assert code(sent()) == "accepted"
    for nonce in ("order-17b", "order-17", "order-17A", "order-17a ", "order-17a0"):
        assert code(sent(headers={"Client-Request-Id": nonce})) in ("invalid-signature", "malformed-header")


class Watched(MemoryLedger):
    """A ledger that keeps what it was asked to claim."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.claimed: list[str] = []

    def claim(self, scope: str, id: str, *others: Any, **named: Any) -> Any:
        self.claimed.append(id)
        return super().claim(scope, id, *others, **named)


def test_nobody_burns_an_id_without_the_key() -> None:
    ledger = Watched()
    check = payseal.Verifier(FISERV, {"merchant-1": CREDENTIAL}, clock=lambda: NOW)

    def shop(environ: Any, start_response: Any) -> list[bytes]:
        start_response("201 Created", [])
        return [b"{}"]

    site = WSGIMiddleware(shop, check, ledger)
    honest = list(sent().headers)
    forged = [(name, "A" * 43 + "=" if name == "Message-Signature" else value) for name, value in honest]
    stale = list(sent(created=NOW - 1_000).headers)
    for headers in (forged, stale, forged[1:], [*forged, *forged]):
        reply = wsgi_run(site, wsgi_environ("POST", "/pay", headers, BODY))
        assert json.loads(reply.body)["status"] == 401
    assert ledger.claimed == []
    assert wsgi_run(site, wsgi_environ("POST", "/pay", honest, BODY)).status == 201
    assert ledger.claimed == ["order-17a"]


# --- of a rotation loop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_secret_of_several_is_tried(count: int) -> None:
    secrets = [f"secret number {number}" for number in range(count)]
    known = {"merchant-1": payseal.Credential("merchant-1", secrets)}
    for secret in secrets:
        headers = payseal.Signer(FISERV, payseal.Credential("merchant-1", secret)).sign(
            payseal.Request("POST", "/pay", body=BODY), created=NOW
        )
        assert code(payseal.Request("POST", "/pay", headers, BODY), known=known) == "accepted"
