"""The published vectors, by stage: signature base, MAC, headers, verification. A failing test names the stage that differs."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal.mac import PreparedMac
from payseal.schemes import catalogue_names

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads((Path(__file__).parent.parent / "vectors" / "schemes.json").read_text("utf-8"))
UNITS = {"s": "unix", "ms": "unix-ms"}
NAMES = [f"{vector['scheme']}-{vector['case']}-{vector.get('timestamp_unit', 'default')}" for vector in VECTORS]

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
each_with_two_spellings = pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if "signature_base64_of_hex" in vector],
    ids=[name for name, vector in zip(NAMES, VECTORS, strict=True) if "signature_base64_of_hex" in vector],
)


def body(vector: Vector) -> bytes:
    return base64.b64decode(vector["body_base64"], validate=True)


def scheme(vector: Vector, unit: str | None = None) -> payseal.Scheme:
    unit = unit or vector.get("timestamp_unit")
    return payseal.scheme(vector["scheme"], **({"created": {"format": UNITS[unit]}} if unit else {}))


def credential(vector: Vector) -> payseal.Credential:
    return payseal.Credential(keyid=vector.get("keyid"), secret=vector.get("secret"), token=vector.get("token"))


def verifier(vector: Vector, unit: str | None = None) -> payseal.Verifier:
    rule, known = scheme(vector, unit), credential(vector)
    return payseal.Verifier(rule, {known.keyid: known}, allow_unkeyed=not rule.keyed)


def request(vector: Vector, **headers: str) -> payseal.Request:
    return payseal.Request("POST", "/transfer", vector["headers"] | headers, body(vector))


def raw_mac(vector: Vector) -> bytes:
    """The MAC that the vector's signature spells, whatever the spelling."""
    text: str = vector["signature"]
    return bytes.fromhex(text) if len(text) % 32 == 0 else base64.b64decode(text, validate=True)


def independent_mac(vector: Vector) -> bytes:
    """The MAC from the vector's signature base, with nothing but the standard library."""
    base = base64.b64decode(vector["signature_base_base64"], validate=True)
    if vector["scheme"] == "commercehub-digest-sha256":
        return hashlib.sha256(base).digest()
    key = vector["token"] if vector["scheme"] == "commercehub-digest" else vector["secret"]
    return hmac.new(key.encode(), base, hashlib.sha256).digest()


def test_the_vectors_cover_every_case_of_the_three_providers() -> None:
    cases = {vector["case"] for vector in VECTORS}
    assert cases == {"compact-json", "spaced-json", "unicode", "slashes", "empty", "trailing-newline", "charge"}
    for case in cases:
        found = {(vector["scheme"], vector.get("timestamp_unit")) for vector in VECTORS if vector["case"] == case}
        assert found == {
            ("fiserv-payments", "s"),
            ("fiserv-payments", "ms"),
            ("startbutton-transfer", None),
            ("commercehub-hmac", None),
            ("commercehub-digest", None),
            ("commercehub-digest-sha256", None),
        }
    # Published without vectors: a webhook covers its body and nothing else.
    assert set(catalogue_names()) >= {vector["scheme"] for vector in VECTORS}


@each_vector
def test_stage_1_signature_base(vector: Vector) -> None:
    sent = payseal.Request("POST", "/transfer", body=body(vector))
    made = payseal.Signer(scheme(vector), credential(vector)).signature_base(sent, created=vector["created"], nonce=vector.get("nonce"))
    assert made == base64.b64decode(vector["signature_base_base64"], validate=True), "stage: signature base"


@each_vector
def test_stage_2_mac(vector: Vector) -> None:
    rule = scheme(vector).signature
    base = base64.b64decode(vector["signature_base_base64"], validate=True)
    (mac,) = credential(vector).macs(rule.algorithm, rule.key)
    assert mac.digest([base]).hex() == raw_mac(vector).hex(), "stage: MAC"
    assert mac.digest(base[at : at + 1] for at in range(len(base))).hex() == raw_mac(vector).hex(), "stage: MAC, piece by piece"


@each_vector
def test_stage_2_mac_computed_without_payseal(vector: Vector) -> None:
    assert independent_mac(vector).hex() == raw_mac(vector).hex(), "stage: MAC (the vector itself)"
    if "signature_base64_of_hex" in vector:
        spelled = base64.b64decode(vector["signature_base64_of_hex"], validate=True).decode("ascii")
        assert spelled == raw_mac(vector).hex(), "stage: encoding (the vector itself)"


@each_vector
def test_stage_3_headers(vector: Vector) -> None:
    sent = payseal.Request("POST", "/transfer", body=body(vector))
    made = payseal.Signer(scheme(vector), credential(vector)).sign(sent, created=vector["created"], nonce=vector.get("nonce"))
    assert made == vector["headers"], "stage: headers"
    assert set(made) == set(vector["headers"]), "stage: headers, spelling of the names"


@each_vector
def test_stage_4_verification(vector: Vector) -> None:
    accepted = verifier(vector).verify(request(vector), now=vector["created"])
    assert accepted.scheme == vector["scheme"], "stage: verification"
    assert accepted.keyid == vector.get("keyid"), "stage: verification"
    assert accepted.nonce == vector.get("nonce"), "stage: verification"
    minute = vector["scheme"] == "startbutton-transfer"
    assert accepted.created == (vector["created"] // 60 * 60 if minute else vector["created"]), "stage: verification, time"
    base = base64.b64decode(vector["signature_base_base64"], validate=True)
    assert accepted.id == vector.get("nonce", hashlib.sha256(base).hexdigest()), "stage: verification, ledger id"


@each_with_two_spellings
def test_stage_4_verification_takes_base64_of_hex(vector: Vector) -> None:
    carrier = {"fiserv-payments": "Message-Signature", "commercehub-hmac": "Authorization"}[vector["scheme"]]
    spelled = request(vector, **{carrier: vector["signature_base64_of_hex"]})
    accepted = verifier(vector).verify(spelled, now=vector["created"])
    # One request, one ledger id, however its signature is spelled.
    assert accepted == verifier(vector).verify(request(vector), now=vector["created"])


@each_with_two_spellings
def test_a_signer_can_send_base64_of_hex(vector: Vector) -> None:
    unit = vector.get("timestamp_unit", "ms")
    sdk = payseal.scheme(vector["scheme"], created={"format": UNITS[unit]}, signature={"encoding": "base64-of-hex"})
    sent = payseal.Request("POST", "/transfer", body=body(vector))
    made = payseal.Signer(sdk, credential(vector)).sign(sent, created=vector["created"], nonce=vector["nonce"])
    assert vector["signature_base64_of_hex"] in made.values()


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if "timestamp_unit" in vector], ids=lambda vector: vector["case"])
def test_a_verifier_takes_one_unit_at_a_time(vector: Vector) -> None:
    other = {"s": "ms", "ms": "s"}[vector["timestamp_unit"]]
    with pytest.raises(payseal.Rejected, match="malformed-header"):
        verifier(vector, other).verify(request(vector), now=vector["created"])


@each_vector
def test_any_other_spelling_of_a_signature_is_refused(vector: Vector) -> None:
    """There is one text for each signature and encoding: nothing that a decoder would forgive."""
    mac = raw_mac(vector)
    carrier = next(name for name, value in vector["headers"].items() if value == vector["signature"])
    text = vector["signature"]
    if len(text) % 32 == 0:
        spellings = [text.upper(), text[:-1], f"0x{text}", base64.b64encode(mac).decode()]
    else:
        loose = text[:-2] + chr(ord(text[-2]) + 1) + "="  # other padding bits, which a decoder does not look at
        assert binascii.a2b_base64(loose) == mac
        spellings = [text.rstrip("="), text + "=", loose, mac.hex(), mac.hex().upper()]
        if {"+", "/"} & set(text):
            spellings.append(base64.urlsafe_b64encode(mac).decode())
    for spelling in spellings:
        with pytest.raises(payseal.Rejected) as caught:
            verifier(vector).verify(request(vector, **{carrier: spelling}), now=vector["created"])
        assert caught.value.code in ("malformed-header", "invalid-signature"), spelling


def test_the_vectors_do_not_need_a_prepared_mac() -> None:
    """The prepared state gives what a MAC made from nothing gives, again and again."""
    key = b"Sk3-example+secret/with=chars"
    prepared = PreparedMac(payseal.scheme("fiserv-payments").signature.algorithm, key)
    fresh = functools.partial(hmac.digest, key, digest="sha256")
    for text in (b"", b"a", b"a" * 10_000, b"a"):
        assert prepared.digest([text]) == fresh(text)
