"""Bytes moved from one component of a base to the next, so that what was signed stays the same, make no other request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import payseal
from payseal.grammar import DIGITS
from payseal.schemes.base import request_text
from payseal.schemes.template import Component
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import CATALOGUE, Signed, covered, generated_schemes, signed

pytestmark = TIMEOUT

GUARDED: Final = {name: scheme for name, scheme in CATALOGUE.items() if scheme.guarded}
SECONDS: Final = payseal.scheme("fiserv-payments", created={"format": "unix"})


def accepted(case: Signed, request: payseal.Request, now: float) -> bool:
    try:
        case.verify(request, now)
    except payseal.Rejected:
        return False
    return True


# --- the providers' own: id, time and body without anything between ----------------------------------------------------------


def cut(case: Signed, nonce: str, created: str, body: bytes) -> payseal.Request:
    """The request with its bytes cut in other places, under the signature that it had."""
    names = {rule.around[1].name: rule.name for rule in case.scheme.headers if rule.around and rule.around[1]}
    changed = {names["nonce"]: nonce, names["created"]: created}
    return case.changed(headers=[(name, changed.get(name, value)) for name, value in case.request.headers], body=body)


def texts_of(case: Signed) -> tuple[str, str, bytes]:
    presented = case.verifier().read(case.request)
    assert presented.nonce is not None
    assert presented.created_text is not None
    return presented.nonce, presented.created_text, bytes(case.request.body)  # type: ignore[arg-type]


OF_IDS: Final = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
#: When they were signed: any time until now, as of the tests.
SIGNED: Final = st.integers(1_262_304_000_000, 1_782_000_000_000)
#: Ids that hold times, or end in their digits, and any others.
IDS: Final = st.one_of(
    st.from_regex("[A-Za-z0-9-]{1,64}", fullmatch=True),
    st.from_regex("[a-z-]{0,8}1[789][0-9]{0,24}", fullmatch=True),
    st.from_regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}1[789][0-9]{2}", fullmatch=True),
    st.from_regex("[0-9]{13,30}", fullmatch=True),
)


@settings(30)
@pytest.mark.parametrize("scheme", [*GUARDED.values(), SECONDS], ids=[*GUARDED, "seconds"])
@given(
    data=st.data(),
    nonce=IDS,
    signed_at=SIGNED,
    body=st.one_of(st.just(b""), st.just(b'{"amount":1}'), st.binary(max_size=20), st.from_regex(b"[0-9a-z-]{0,20}")),
)
def test_no_other_cut_of_what_was_signed_is_accepted(
    scheme: payseal.Scheme, data: st.DataObject, nonce: str, signed_at: int, body: bytes
) -> None:
    """Every other cut with a shorter id, and every one with a longer id unless the body begins with what a time is (SECURITY.md); each at
    the very moment at which it would be fresh."""
    credential = payseal.Credential("merchant-1", "a secret", "a-token")
    headers = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/", body=body), created=signed_at / 1000, nonce=nonce)
    case = Signed(scheme, credential, payseal.Request("POST", "/", headers, body), signed_at / 1000, nonce)
    original = texts_of(case)
    width = len(original[1])
    whole = (original[0] + original[1]).encode() + body
    for start in range(1, min(len(whole) - width, 64) + 1):
        lead, created, rest = whole[:start], whole[start : start + width], whole[start + width :]
        moved = lead.decode("latin-1"), created.decode("latin-1"), rest
        if moved == original or not moved[1].isascii() or not moved[1].isdigit() or not moved[0].isascii():
            continue
        moment = int(moved[1]) * (1000 if width == 10 else 1) / 1000
        if start > len(nonce) and not body[: start - len(nonce)].strip(OF_IDS):
            continue  # the body begins with what an id or a time is made of: what only an id of fixed length can tell
        if moment * 1000 < signed_at:
            moment = signed_at / 1000  # nobody replays what is not signed yet
        assert not accepted(case, cut(case, *moved), min(moment, 9_999_999_999.0)), moved


@settings(20)
@given(nonce=IDS, signed_at=SIGNED, body=st.binary(max_size=20))
def test_an_id_of_fixed_length_leaves_nothing_to_move(nonce: str, signed_at: int, body: bytes) -> None:
    """Whatever the body begins with."""
    scheme = payseal.scheme("fiserv-payments", nonce={"pattern": "[0-9A-Za-z-]{32}", "format": "hex"})
    assert not scheme.guarded
    nonce, body = nonce.ljust(32, "1")[:32], b"1795000000000" + body
    credential = payseal.Credential("merchant-1", "a secret", "a-token")
    headers = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/", body=body), created=signed_at / 1000, nonce=nonce)
    case = Signed(scheme, credential, payseal.Request("POST", "/", headers, body), signed_at / 1000, nonce)
    assert accepted(case, case.request, signed_at / 1000)
    whole = (nonce + texts_of(case)[1]).encode() + body
    for start in range(1, len(whole) - 12):
        lead, created, rest = whole[:start], whole[start : start + 13], whole[start + 13 :]
        if start != 32 and created.isdigit() and lead.isascii():
            assert not accepted(case, cut(case, lead.decode(), created.decode(), rest), int(created) / 1000)


# --- any scheme --------------------------------------------------------------------------------------------------------------


def arriving(case: Signed, texts: Mapping[Component, bytes]) -> payseal.Request:
    """A request whose components have these texts, under the signature that was captured."""
    by_name = {component.name: text.decode("latin-1") for component, text in texts.items() if not component.digest}
    old = case.verifier().read(case.request)
    body = texts.get(Component("body"), bytes(case.request.body))  # type: ignore[arg-type]
    sent = {"keyid": old.keyid, "token": old.token, "nonce": old.nonce, "created": old.created_text, "signature": old.signatures[0][0]}
    sent |= {name: text for name, text in by_name.items() if name in sent}
    there = {name.lower() for name, _ in case.request.headers}
    digests = payseal.Request("POST", "/", body=body)
    pairs = [
        (rule.name, rule.write(lambda part: request_text(part, digests, str) if part.digest else str(sent[part.name])))
        for rule in case.scheme.headers
        if rule.key in there
    ]
    own = {rule.key for rule in case.scheme.headers}
    changed = {
        component.header or component.name: text.decode("latin-1")
        for component, text in texts.items()
        if component.name in ("header", "host")
    }
    pairs += [(name, changed.get(name.lower(), value)) for name, value in case.request.headers if name.lower() not in own]
    target = by_name.get("target")
    if target is None:
        query = by_name.get("query", case.request.query)
        target = by_name.get("path", case.request.path) + (f"?{query}" if query or "?" in case.request.target else "")
    return payseal.Request(by_name.get("method", case.request.method), target, pairs, body)


def texts_covered(case: Signed) -> dict[Component, bytes]:
    presented = case.verifier().read(case.request)
    said = {"keyid": presented.keyid, "token": presented.token, "nonce": presented.nonce, "created": presented.created_text}
    found: dict[Component, bytes] = {}
    for part in covered(case.scheme):
        if part.name == "body" and not part.digest:
            found[part] = bytes(case.request.body)  # type: ignore[arg-type]
        elif part.name in said:
            found[part] = str(said[part.name]).encode("latin-1")
        else:
            found[part] = request_text(part, case.request, lambda name: case.request.values(name)[0]).encode("latin-1")
    return found


def several(scheme: payseal.Scheme) -> bool:
    return len(covered(scheme)) > 1 and (scheme.created_sent or scheme.created is None)


@settings(80)
@given(st.data(), signed(generated_schemes().filter(several), st.one_of(st.binary(max_size=30), st.from_regex(b"[0-9a-z.:|\n-]{0,30}"))))
def test_nothing_can_be_moved_across_a_boundary_of_a_base(data: st.DataObject, case: Signed) -> None:
    """Two neighbours and what stands between them are cut at every other place at which they could be."""
    texts = texts_covered(case)
    parts = case.scheme.signature.base.parts
    at = data.draw(st.sampled_from([place for place, part in enumerate(parts) if isinstance(part, Component)][:-1]))
    between, second = b"", parts[at + 1]
    if isinstance(second, str):
        between, second = second.encode(), parts[at + 2]
    first = parts[at]
    assert isinstance(first, Component)
    assert isinstance(second, Component)
    assume(first != second and not first.digest and not second.digest)
    joined = texts[first] + between + texts[second]
    for place in range(min(len(joined), 200) + 1):
        if joined[place : place + len(between)] != between or place == len(texts[first]):
            continue
        other = arriving(case, {**texts, first: joined[:place], second: joined[place + len(between) :]})
        if case.scheme.guarded and case.scheme.nonce is not None and body_begins_like_an_id(case):
            continue
        same = (other.method, other.target, other.headers, other.body) == (
            case.request.method,
            case.request.target,
            case.request.headers,
            case.request.body,
        )
        assert same or not accepted(case, other, case.created), (first, second, place)


def body_begins_like_an_id(case: Signed) -> bool:
    """What only an id of fixed length can tell (SECURITY.md)."""
    assert case.scheme.nonce is not None
    lead = bytes(case.request.body)[:1].decode("latin-1")  # type: ignore[arg-type]
    return lead in DIGITS | case.scheme.nonce.grammar.alphabet
