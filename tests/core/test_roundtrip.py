"""What a signer signs, a verifier accepts; and nothing else: any change of anything covered is refused."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.schemes.template import Component

from .support import BODY, CATALOGUE, NOW, credential, rejection, signer, verifier
from .support import known as known_scheme

each_scheme = pytest.mark.parametrize("name", CATALOGUE)
# JSON, text, bytes; not digits first: whether those are accepted depends on the id (see test_boundary_shifts).
bodies = st.one_of(st.just(b""), st.binary(max_size=200), st.text(max_size=80).map(str.encode)).filter(
    lambda body: not body[:1].isalnum() and body[:1] != b"-"
)
nonces = st.from_regex("[A-Za-z0-9-]{1,64}", fullmatch=True)
times = st.floats(1_600_000_000, 4_000_000_000, allow_nan=False)


class Pieces:
    """A body in pieces that can be gone through again."""

    def __init__(self, body: bytes, size: int) -> None:
        self.body, self.size = body, size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), self.size):
            yield self.body[start : start + self.size]


def sent(name: str | payseal.Scheme, body: payseal.request.Body, *, created: float = NOW, nonce: str | None = None) -> payseal.Request:
    """A request that payseal signed, as it arrives."""
    unsigned = payseal.Request("POST", "/v1/payments?a=b", body=body)
    return payseal.Request("POST", "/v1/payments?a=b", signer(name).sign(unsigned, created=created, nonce=nonce), body)


@each_scheme
@given(body=bodies, nonce=nonces, created=times)
def test_a_signed_request_is_accepted(name: str, body: bytes, nonce: str, created: float) -> None:
    request = sent(name, body, created=created, nonce=nonce)
    accepted = verifier(name).verify(request, now=created)
    scheme = known_scheme(name)
    assert accepted.scheme == name
    assert accepted.nonce == (nonce if scheme.nonce else None)
    assert accepted.secret_index == 0
    if scheme.created is None:
        assert accepted.created is accepted.expires is None
    else:
        assert accepted.created is not None
        assert accepted.expires is not None
        assert 0 <= created - accepted.created + 0.0005 < scheme.created.format.granularity / 1000 + 0.001
        assert accepted.expires > created


@each_scheme
@given(body=bodies, size=st.integers(1, 50), other=st.integers(1, 50))
def test_pieces_of_a_body_are_its_bytes(name: str, body: bytes, size: int, other: int) -> None:
    nonce = "30dd879c-ee2f-41db-8314-0800200c9a6a"
    whole = sent(name, body, nonce=nonce)
    assert sent(name, Pieces(body, size), nonce=nonce).headers == whole.headers
    for again in (Pieces(body, other), bytearray(body), memoryview(body), [body], [b"", body, b""]):
        arrived = payseal.Request("POST", "/v1/payments?a=b", whole.headers, again)
        assert verifier(name).verify(arrived, now=NOW).id == verifier(name).verify(whole, now=NOW).id


@each_scheme
@given(body=bodies.filter(bool), data=st.data())
def test_any_changed_byte_of_the_body_is_refused(name: str, body: bytes, data: st.DataObject) -> None:
    request = sent(name, body)
    at = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[at] ^= data.draw(st.integers(1, 255))
    for other in (bytes(changed), body[:at] + body[at + 1 :], body[:at] + b"\n" + body[at:], body + b"\0", body + body, b""):
        if other != body:
            tampered = payseal.Request("POST", "/v1/payments?a=b", request.headers, other)
            assert rejection(lambda: verifier(name).verify(tampered, now=NOW)).code == "invalid-signature"  # noqa: B023


@each_scheme
@given(data=st.data())
def test_any_changed_character_of_a_header_is_refused(name: str, data: st.DataObject) -> None:
    request = sent(name, BODY, nonce="30dd879c-ee2f-41db-8314-0800200c9a6a")
    which = data.draw(st.integers(0, len(request.headers) - 1))
    header, value = request.headers[which]
    at = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.sampled_from(string.printable).filter(lambda character: character != value[at]))
    for other in (value[:at] + character + value[at + 1 :], value[:at] + value[at + 1 :], value[:at] + character + value[at:]):
        if other == value:
            continue
        headers = [*request.headers[:which], (header, other), *request.headers[which + 1 :]]
        tampered = payseal.Request("POST", "/v1/payments?a=b", headers, BODY)
        refused = rejection(lambda: verifier(name).verify(tampered, now=NOW))  # noqa: B023
        assert refused.code in ("invalid-signature", "malformed-header", "outside-window")


EVERYTHING = payseal.Scheme.loads(
    """
name = "everything"
[signature]
base = "{method} {host}{path}?{query}\\n{keyid}\\n{token}\\n{nonce}\\n{created}\\n{header:Content-Type}\\n{header:Digest}\\n{body:sha512:base64url}"
algorithm = "hmac-sha512"
encoding = "base64url-unpadded"
[headers]
Authorization = "Seal {keyid} {token}"
X-Id = { template = "id={nonce};t={created}", separator = ";" }
Digest = "sha-256={body:sha256:base64}"
X-Signature = "v1={signature}"
[created]
format = "%Y-%m-%dT%H:%M:%SZ"
tolerance = 300
[nonce]
format = "hex"
pattern = "[0-9a-f]{32}|[A-Z]{4}_[0-9]{1,8}"
"""
)
URL = {"Host": "api.example:8443", "Content-Type": "application/json; charset=utf-8"}


def everything(**changes: str | bytes | None) -> payseal.Request:
    """A request of which everything is covered, with parts of it changed after signing; a header set to None is left out."""
    request = payseal.Request("PUT", "/v1/a%20b/c?x=1&y=%2F", URL, BODY)
    headers: dict[str, str] = URL | signer(EVERYTHING).sign(request, created=NOW, nonce="AAAA_1")
    for name in [name for name in changes if name[0].isupper()]:
        value = changes.pop(name)
        header = name.replace("_", "-")
        if value is None:
            del headers[header]
        else:
            headers[header] = str(value)
    method, target, body = changes.get("method", "PUT"), changes.get("target", "/v1/a%20b/c?x=1&y=%2F"), changes.get("body", BODY)
    assert isinstance(method, str)
    assert isinstance(target, str)
    assert isinstance(body, bytes)
    return payseal.Request(method, target, headers, body)


def test_everything_that_can_be_covered() -> None:
    accepted = verifier(EVERYTHING).verify(everything(), now=NOW)
    assert (accepted.id, accepted.created) == ("AAAA_1", NOW)


CHANGES: dict[str, dict[str, str | bytes | None]] = {
    "method": {"method": "POST"},
    "method in lower case": {"method": "put"},
    "path": {"target": "/v1/a%20b/d?x=1&y=%2F"},
    "path decoded": {"target": "/v1/a b/c?x=1&y=%2F"},
    "query": {"target": "/v1/a%20b/c?x=2&y=%2F"},
    "query in another order": {"target": "/v1/a%20b/c?y=%2F&x=1"},
    "query dropped": {"target": "/v1/a%20b/c"},
    "a fragment": {"target": "/v1/a%20b/c?x=1&y=%2F#"},
    "host": {"Host": "api.example"},
    "host in another case": {"Host": "API.example:8443"},
    "host missing": {"Host": None},
    "host empty": {"Host": ""},
    "content type": {"Content_Type": "application/json"},
    "content type missing": {"Content_Type": None},
    "content type with a space": {"Content_Type": "application/json; charset=utf-8 "},
    "digest": {"Digest": "sha-256=" + "A" * 43 + "="},
    "digest missing": {"Digest": None},
    "body": {"body": BODY + b" "},
    "another digest for another body": {"body": b"", "Digest": "sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
    "id": {"X_Id": "id=AAAA_2;t=2026-06-21T00:02:03Z"},
    "time": {"X_Id": "id=AAAA_1;t=2026-06-21T00:02:04Z"},
    "time stale": {"X_Id": "id=AAAA_1;t=2026-06-20T00:02:03Z"},
    "keyid": {"Authorization": "Seal merchant-2 saAOM9qjmKfdazqgoZrKbJuukCP9"},
    "token": {"Authorization": "Seal merchant-1 saAOM9qjmKfdazqgoZrKbJuukCP8"},
    "signature": {"X_Signature": "v1=" + "A" * 86},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_covered_cannot_be_changed(change: dict[str, str | bytes | None]) -> None:
    refused = rejection(lambda: verifier(EVERYTHING).verify(everything(**change), now=NOW))
    assert refused.code in ("invalid-signature", "malformed-header", "malformed-target", "missing-header")


def test_a_claimed_digest_of_another_body_is_refused_even_if_it_was_signed() -> None:
    """A base may cover a header that carries the body's digest instead of the body: then the digest must be the body's."""
    scheme = payseal.Scheme.loads(
        """
        name = "content-digest"
        signature = { base = "{created}.{header:Content-Digest}", algorithm = "hmac-sha256", encoding = "hex" }
        headers = { Content-Digest = "sha-256=:{body:sha256:base64}:", X-Time = "{created}", X-Signature = "{signature}" }
        created = { format = "unix", tolerance = 300 }
        """
    )
    headers = signer(scheme).sign(payseal.Request("POST", "/", body=BODY), created=NOW)
    check = payseal.Verifier(scheme, credential(keyid=None))
    assert check.verify(payseal.Request("POST", "/", headers, BODY), now=NOW).created == NOW
    assert rejection(lambda: check.verify(payseal.Request("POST", "/", headers, BODY + b" "), now=NOW)).code == "invalid-signature"


@given(
    keyid=st.text(st.sampled_from([chr(code) for code in range(0x21, 0x7F)]), min_size=1, max_size=40),
    token=st.text(st.sampled_from([chr(code) for code in range(0x21, 0x7F)]), min_size=1, max_size=80),
    nonce=nonces,
)
@each_scheme
def test_header_templates_invert(name: str, keyid: str, token: str, nonce: str) -> None:
    """What a template writes is what it reads, for every header of every scheme."""
    scheme = known_scheme(name)
    known = payseal.Credential(keyid, "secret", token)
    made = payseal.Signer(scheme, known).sign(payseal.Request("POST", "/", body=BODY), created=NOW, nonce=nonce)
    presented = payseal.Verifier(scheme, known, allow_unkeyed=not scheme.keyed).read(payseal.Request("POST", "/", made, BODY))
    carried = {component.name for rule in scheme.headers for component in rule.components}
    assert presented.keyid == (keyid if "keyid" in carried else None)
    assert presented.token == (token if "token" in carried else None)
    assert presented.nonce == (nonce if "nonce" in carried else None)
    assert presented.created == (int(NOW) * 1000 if "created" in carried else None)
    assert len(presented.signatures) == 1


@given(data=st.data())
def test_each_header_rule_inverts(data: st.DataObject) -> None:
    """The same a level below, with a list header and several components in one header."""
    texts: dict[str, str] = {
        "keyid": data.draw(st.from_regex("[!-~]{1,20}", fullmatch=True)),
        "token": data.draw(st.from_regex("[!-~]{1,20}", fullmatch=True)),
        "nonce": data.draw(st.from_regex("[0-9a-f]{32}|[A-Z]{4}_[0-9]{1,8}", fullmatch=True)),
        "created": "2026-06-21T00:02:03Z",
        "signature": data.draw(st.from_regex("[A-Za-z0-9_-]{86}", fullmatch=True)),
        "body": data.draw(st.from_regex("[A-Za-z0-9+/]{43}=", fullmatch=True)),
    }
    written: Callable[[Component], str] = lambda component: texts[component.name]  # noqa: E731
    for rule in EVERYTHING.headers:
        read = rule.read(rule.write(written))
        assert {component.name: text for component, text in read} == {part.name: texts[part.name] for part in rule.components}
        assert {component for component, _ in read} == set(rule.components)


@each_scheme
def test_a_signer_makes_a_time_and_an_id_of_its_own(name: str) -> None:
    scheme = known_scheme(name)
    made = payseal.Signer(scheme, credential(), clock=lambda: NOW).sign(payseal.Request("POST", "/", body=BODY))
    assert verifier(name).verify(payseal.Request("POST", "/", made, BODY), now=NOW).scheme == name
    if scheme.nonce:
        again = payseal.Signer(scheme, credential(), clock=lambda: NOW).sign(payseal.Request("POST", "/", body=BODY))
        assert made["Client-Request-Id"] != again["Client-Request-Id"]


@each_scheme
@pytest.mark.parametrize("offset", [-299, -1, 0, 1, 299])
def test_the_window_reaches_both_ways(name: str, offset: int) -> None:
    assert verifier(name).verify(sent(name, BODY), now=NOW + offset).scheme == name


@each_scheme
@pytest.mark.parametrize("offset", [-86_400, -361, 361, 86_400, 31_536_000])
def test_and_no_further(name: str, offset: int) -> None:
    scheme = known_scheme(name)
    if scheme.created is None:
        assert verifier(name).verify(sent(name, BODY), now=NOW + offset).expires is None
    else:
        refused = rejection(lambda: verifier(name).verify(sent(name, BODY), now=NOW + offset))
        assert refused.code == ("outside-window" if scheme.created_sent else "invalid-signature")


def test_the_edges_of_the_window_in_milliseconds() -> None:
    scheme = payseal.scheme("fiserv-payments", created={"future": 10})
    request = sent(scheme, BODY)
    check = verifier(scheme)
    expires = check.verify(request, now=NOW).expires
    assert expires == NOW + 300.001  # an id must be remembered for as long as this
    assert check.verify(request, now=NOW - 10).expires == expires
    assert check.verify(request, now=expires - 0.001).expires == expires
    assert rejection(lambda: check.verify(request, now=expires)).code == "outside-window"
    assert rejection(lambda: check.verify(request, now=NOW - 10.001)).code == "outside-window"
    exact = payseal.scheme("fiserv-payments", created={"future": 0})
    assert rejection(lambda: verifier(exact).verify(request, now=NOW - 0.001)).code == "outside-window"
    assert verifier(exact).verify(request, now=NOW).expires == expires


REPLAYS = ["fiserv-payments", "commercehub-hmac", "startbutton-transfer"]


@pytest.mark.parametrize("name", REPLAYS)
def test_one_request_has_one_ledger_id(name: str) -> None:
    """Whichever secret and whichever spelling it was signed with, and however its header names and pieces are spelled."""
    ids = set()
    scheme = known_scheme(name)
    check = payseal.Verifier(scheme, {"merchant-1": credential(secret=["old", "new"])})
    for secret in ("old", "new"):
        for encoding in scheme.signature.accept:
            sends = payseal.scheme(name, signature={"encoding": encoding.name})
            unsigned = payseal.Request("POST", "/", body=BODY)
            made = payseal.Signer(sends, credential(secret=secret)).sign(unsigned, created=NOW, nonce="order-1a")
            for headers in (made, {key.upper(): value for key, value in made.items()}, dict(reversed(made.items()))):
                accepted = check.verify(payseal.Request("POST", "/", headers, [BODY[:3], BODY[3:]]), now=NOW)
                assert accepted.secret_index == ["new", "old"].index(secret)
                ids.add((accepted.scope, accepted.id))
    assert len(ids) == 1


def test_two_accounts_and_two_schemes_never_share_a_scope() -> None:
    scopes = set()
    for name in ("fiserv-payments", "commercehub-hmac"):
        for account in ("a", "a:b", "b"):
            request = sent(name, BODY, nonce="order-1a")
            scopes.add(verifier(name, account=account).verify(request, now=NOW).scope)
    assert len(scopes) == 6


def test_requests_without_an_id_differ_in_time_and_body() -> None:
    ids = {
        verifier("startbutton-transfer").verify(sent("startbutton-transfer", body, created=created), now=NOW).id
        for body in (b"{}", b"{ }", b"")
        for created in (NOW, NOW + 60, NOW - 60)
    }
    assert len(ids) == 9
