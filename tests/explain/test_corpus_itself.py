"""The corpus holds what it says: each case is computed again here, with hmac and hashlib alone."""

from __future__ import annotations

import base64
import collections
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import payseal

from .corpus import CODES, FOLDER, Case, load

CASES = load()
MISTAKEN = [case for case in CASES if case.expected]
SIGNATURE = "signature"
NAMED = {"keyid": "api-key", "nonce": "client-request-id", "created": "timestamp"}
CHAINED = ("keyid", "nonce", "created", "body")


class Rule(NamedTuple):
    """One scheme, as its provider describes it: written here a second time, so that nothing rests on payseal's reading."""

    order: tuple[str, ...]
    headers: dict[str, str]  # what → the header that carries it
    hash: str
    key: str | None
    encodings: tuple[str, ...]
    constants: dict[str, str] = {}  # noqa: RUF012 - never changed


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


TEXTS: dict[str, Callable[[bytes], str]] = {"base64": b64, "hex": bytes.hex, "base64-of-hex": lambda mac: b64(mac.hex().encode())}
BEARER = {"auth-token-type": "AccessToken", "authorization": "Bearer {token}"}
RULES = {
    "fiserv-payments": Rule(CHAINED, {**NAMED, SIGNATURE: "message-signature"}, "sha256", "secret", ("base64", "base64-of-hex")),
    "commercehub-hmac": Rule(
        CHAINED, {**NAMED, SIGNATURE: "authorization"}, "sha256", "secret", ("base64", "base64-of-hex"), {"auth-token-type": "HMAC"}
    ),
    "commercehub-digest": Rule(CHAINED, {**NAMED, SIGNATURE: "message-digest"}, "sha256", "token", ("base64",), BEARER),
    "commercehub-digest-sha256": Rule(CHAINED, {**NAMED, SIGNATURE: "message-digest"}, "sha256", None, ("hex",), BEARER),
    "startbutton-transfer": Rule(("created", "body"), {SIGNATURE: "x-request-id"}, "sha256", "secret", ("hex",)),
    "startbutton-webhook": Rule(("body",), {SIGNATURE: "x-startbutton-signature"}, "sha512", "secret", ("hex",)),
}


def times(case: Case, sent: str | None) -> list[tuple[str, float, float]]:
    """Each time that the request may have been signed at: its text, its first and its last second."""
    if case.scheme_name == "startbutton-webhook":
        return [("", case.now, case.now)]
    if case.scheme_name == "startbutton-transfer":
        minutes = [case.now // 60 * 60 + 60 * step for step in range(-6, 7)]
        return [(time.strftime("%Y%m%d%H%M", time.gmtime(minute)), minute, minute + 60) for minute in minutes]
    in_seconds = case.overrides.get("created", {}).get("format") == "unix"
    if sent is None or not re.fullmatch(r"[0-9]{10}" if in_seconds else r"[0-9]{13}", sent):
        return []
    moment = int(sent) / (1 if in_seconds else 1000)
    return [(sent, moment, moment + in_seconds)]


def accepted(case: Case) -> bool:
    """Whether the provider's rule takes the request as it arrived."""
    rule, party = RULES[case.scheme_name], case.verifier_has
    values = collections.defaultdict(list)
    for name, value in case.headers:
        values[name.lower()].append(value)
    for name, template in rule.constants.items():
        if values[name] != [template.format(token=party.token)]:
            return False
    if any(len(values[name]) != 1 for name in rule.headers.values()):
        return False
    sent = {what: values[name][0] for what, name in rule.headers.items()}
    if sent.get("keyid", party.keyid) != party.keyid or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", sent.get("nonce", "-")):
        return False
    if (party.not_before is not None and case.now < party.not_before) or (party.not_after is not None and case.now >= party.not_after):
        return False
    keys: list[bytes | None] = [None]
    if rule.key:
        keys = [secret.encode() for secret in party.secrets] if rule.key == "secret" else [(party.token or "").encode()]
    for (created, first, last), key in itertools.product(times(case, sent.get("created")), keys):
        parts = {**{what: text.encode() for what, text in sent.items()}, "created": created.encode(), "body": case.body}
        base = b"".join(parts[part] for part in rule.order)
        mac = hmac.digest(key, base, rule.hash) if key is not None else hashlib.new(rule.hash, base).digest()
        if any(TEXTS[encoding](mac) == sent[SIGNATURE] for encoding in rule.encodings):
            return last > case.now - 300 and first <= case.now + 300
    return False


def spellings(mac: bytes) -> set[str]:
    """The ways in which a caller may have written it, without padding, percent signs or differences of case."""
    return {plain(text) for text in (mac.hex(), b64(mac), b64(mac.hex().encode()))}


def plain(text: str) -> str:
    text = re.sub("%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), text)
    return text.replace("-", "+").replace("_", "/").rstrip("=").lower()


def test_names_are_unique() -> None:
    assert [name for name, count in collections.Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_format(path: Any) -> None:
    required = {"name", "made_with", "scheme", "credential", "request", "now", "expected", "signed"}
    for data in json.loads(path.read_text("utf-8")):
        assert required <= set(data) <= required | {"overrides", "others", "also"}, data["name"]
        assert set(data["request"]) == {"method", "target", "headers", "body_base64"}, data["name"]
        assert re.fullmatch(r"[a-z0-9-]+", data["name"])
        assert data["scheme"] in RULES
        assert len(data["expected"]) <= 3
        assert len(set(data["expected"])) == len(data["expected"])
        assert CODES.issuperset(data["expected"] + data.get("also", []))
        assert not set(data["expected"]) & set(data.get("also", []))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_caller_computed_what_arrived(case: Case) -> None:
    signed = case.signed
    name = signed.algorithm.removeprefix("hmac-")
    assert signed.algorithm.startswith("hmac-") == (signed.key is not None)
    mac = hashlib.new(name, signed.base).digest() if signed.key is None else hmac.digest(signed.key, signed.base, name)
    if "encoding-truncated" in case.expected:
        assert any(text.startswith(plain(signed.mac_text)) for text in spellings(mac))
    else:
        assert plain(signed.mac_text) in spellings(mac)
    if any(signed.mac_text in value for _, value in case.headers):
        return
    assert case.expected == {"header-missing"}  # only a signature that was left out is not there


@pytest.mark.parametrize("case", CASES, ids=str)
def test_only_the_right_ones_are_right(case: Case) -> None:
    assert accepted(case) == (not case.expected)
    verifier = payseal.Verifier(case.scheme, case.credential, allow_unkeyed=True)
    if case.expected:
        with pytest.raises(payseal.Rejected):
            verifier.verify(case.request, now=case.now)
    else:
        verifier.verify(case.request, now=case.now)


def test_there_is_enough_of_everything() -> None:
    assert len(MISTAKEN) >= 170
    codes = collections.Counter(code for case in MISTAKEN for code in case.expected)
    assert CODES - set(codes) == set()
    assert {code for code, count in codes.items() if count < 2} == set()
    assert {case.scheme_name for case in MISTAKEN} == set(RULES)
    assert min(collections.Counter(case.scheme_name for case in MISTAKEN).values()) >= 10
    assert {case.made_with for case in MISTAKEN} == {"hand", "node", "php", "python", "shell"}
    mistakes = collections.Counter(len(case.expected) for case in MISTAKEN)
    assert mistakes[2] >= 30
    assert mistakes[3] >= 10
    assert codes["unproven"] >= 8
    assert any(case.overrides for case in MISTAKEN)
    assert any(case.method == "GET" and not case.body for case in MISTAKEN)


def test_no_two_cases_are_one() -> None:
    seen = collections.Counter((case.scheme_name, case.headers, case.body, case.now) for case in CASES)
    assert max(seen.values()) == 1
