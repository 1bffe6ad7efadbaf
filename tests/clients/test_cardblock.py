"""The encrypted card: what the holder of the private key reads, and what nobody reads in an error."""

from __future__ import annotations

import base64
import subprocess
import sys
import traceback
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payseal.clients.cardblock import CardError, encrypt_card
from payseal.errors import PaysealError

NUMBER, CODE = "4242424242424242", "7391"
PARTS = {"number": NUMBER, "expiration_month": "12", "expiration_year": "2035"}
KEY = rsa.generate_private_key(65537, 2048)


def answer(key: Any = KEY, **changes: Any) -> dict[str, Any]:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {"keyId": "key-1", "publicKey": base64.b64encode(der).decode(), "accessToken": "unused", **changes}


def read(data: dict[str, str], key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
    plain = key.decrypt(base64.b64decode(data["encryptionBlock"], validate=True), padding.PKCS1v15()).decode("ascii")
    fields: dict[str, str] = {}
    for item in data["encryptionBlockFields"].split(","):
        name, length = item.split(":")
        fields[name], plain = plain[: int(length)], plain[int(length) :]
    assert plain == ""
    return fields


def test_the_holder_of_the_key_reads_the_card() -> None:
    data = encrypt_card(answer(), **PARTS, security_code=CODE, name="Jane Doe")
    assert {name: data[name] for name in ("encryptionType", "encryptionTarget", "keyId", "encryptionBlockFields")} == {
        "encryptionType": "RSA",
        "encryptionTarget": "MANUAL",
        "keyId": "key-1",
        "encryptionBlockFields": "card.cardData:16,card.nameOnCard:8,card.expirationMonth:2,card.expirationYear:4,card.securityCode:4",
    }
    assert read(data) == {
        "card.cardData": NUMBER,
        "card.nameOnCard": "Jane Doe",
        "card.expirationMonth": "12",
        "card.expirationYear": "2035",
        "card.securityCode": CODE,
    }
    assert NUMBER not in repr(data)


def test_what_is_not_given_is_not_in_the_block() -> None:
    assert set(read(encrypt_card(answer(), **PARTS))) == {"card.cardData", "card.expirationMonth", "card.expirationYear"}


def test_two_blocks_of_one_card_differ() -> None:
    first, second = (encrypt_card(answer(), **PARTS)["encryptionBlock"] for _ in range(2))
    assert first != second


def test_a_key_in_base64_twice_is_read_too() -> None:
    twice = base64.b64encode(answer()["publicKey"].encode()).decode()
    assert read(encrypt_card(answer(publicKey=twice), **PARTS))["card.cardData"] == NUMBER


def test_the_room_is_the_key_s() -> None:
    large = rsa.generate_private_key(65537, 3072)
    name = "J" * (256 - 11 - 22)
    assert read(encrypt_card(answer(), **PARTS, name=name))["card.nameOnCard"] == name
    with pytest.raises(CardError, match="246 bytes and the key has room for 245"):
        encrypt_card(answer(), **PARTS, name=f"{name}J")
    assert read(encrypt_card(answer(large), **PARTS, name=f"{name}J"), large)["card.nameOnCard"] == f"{name}J"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("number", "4242 4242 4242 4242"),
        ("number", "42424242424"),
        ("number", "4" * 20),
        ("number", "４２４２４２４２４２４２４２４２"),
        ("number", 4242424242424242),
        ("number", None),
        ("expiration_month", "1"),
        ("expiration_month", "13"),
        ("expiration_month", 12),
        ("expiration_year", "35"),
        ("expiration_year", 2035),
        ("security_code", "73"),
        ("security_code", "73914"),
        ("security_code", "73a"),
        ("name", ""),
        ("name", "Zoë"),
        ("name", "Jane\nDoe"),
        ("name", b"Jane"),
    ],
)
def test_a_part_that_is_not_one_is_named_and_not_shown(part: str, value: Any) -> None:
    given: dict[str, Any] = {**PARTS, "security_code": CODE, "name": "Jane Doe", part: value}
    with pytest.raises(CardError, match=f"^{part} must be") as caught:
        encrypt_card(answer(), **given)
    assert isinstance(caught.value, PaysealError)
    assert isinstance(caught.value, ValueError)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    inside = shown.split("clients/cardblock.py", 1)[1]  # this test knows the card
    assert "credentials_answer" in inside
    for secret in (NUMBER, CODE, "Jane"):
        assert secret not in inside


@pytest.mark.parametrize(
    "changes",
    [
        {"publicKey": ...},
        {"keyId": ...},
        {"keyId": ""},
        {"publicKey": None},
        {"publicKey": "!!!"},
        {"publicKey": "AAAA"},
        {"publicKey": base64.b64encode(b"MIxx").decode()},
        {"publicKey": answer(ec.generate_private_key(ec.SECP256R1()))["publicKey"]},
    ],
)
def test_an_answer_without_a_key_is_said_to_have_none(changes: dict[str, Any]) -> None:
    given = {name: value for name, value in answer(**changes).items() if value is not ...}
    with pytest.raises(CardError, match="credentials answer"):
        encrypt_card(given, **PARTS)


def test_without_cryptography_the_extra_is_named() -> None:
    code = "import sys; sys.modules['cryptography'] = None\nimport payseal.clients.cardblock"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode != 0
    assert "MissingExtra" in ran.stderr
    assert "pip install 'payseal[cards]'" in ran.stderr
