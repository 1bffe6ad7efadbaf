"""What the ``encryptionData`` of a Commerce Hub card capture is made of: the card, encrypted with the session's public key.

The padding is PKCS#1 v1.5, since that is the provider's. Nothing here keeps the card, and no error shows a part of it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from payseal.errors import MissingExtra, PaysealError

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key
except ImportError:
    raise MissingExtra("payseal.clients.cardblock", "cards") from None

__all__ = ["CardError", "encrypt_card"]

#: Bytes that PKCS#1 v1.5 takes of a block.
_PADDING: Final = 11
#: How Base64 of a DER public key begins.
_DER_AS_TEXT: Final = b"MI"


class CardError(PaysealError, ValueError):
    """A card, or a public key, that no encrypted block can be made of. The message never holds a part of the card."""


def encrypt_card(
    credentials_answer: Mapping[str, Any],
    *,
    number: str,
    expiration_month: str,
    expiration_year: str,
    security_code: str | None = None,
    name: str | None = None,
) -> dict[str, str]:
    """The ``encryptionData`` object for a card, to be put into the ``source`` of a card capture.

    ``credentials_answer`` is the JSON object that the credentials request was answered; its ``publicKey`` and ``keyId`` are used. The
    card's parts are text and are taken as they are: ``number`` 12 to 19 digits, ``expiration_month`` ``01`` to ``12``,
    ``expiration_year`` four digits, ``security_code`` three or four, ``name`` printable ASCII. Raises `CardError`.
    """
    key, key_id = _public_key(credentials_answer)
    fields = {
        "card.cardData": number,
        "card.nameOnCard": name,
        "card.expirationMonth": expiration_month,
        "card.expirationYear": expiration_year,
        "card.securityCode": security_code,
    }
    problem = _problem_with(fields, key.key_size // 8 - _PADDING)
    if problem:
        del fields, number, expiration_month, expiration_year, security_code, name  # a traceback may be logged with its locals
        raise CardError(problem)
    given = {field: value for field, value in fields.items() if value is not None}
    encrypted = key.encrypt("".join(given.values()).encode("ascii"), padding.PKCS1v15())
    return {
        "encryptionType": "RSA",
        "encryptionTarget": "MANUAL",
        "encryptionBlock": base64.b64encode(encrypted).decode("ascii"),
        "encryptionBlockFields": ",".join(f"{field}:{len(value)}" for field, value in given.items()),
        "keyId": key_id,
    }


def _problem_with(fields: Mapping[str, Any], room: int) -> str:
    """What is wrong with the parts of a card, without any of them; empty when they are sound and fit into ``room`` bytes."""
    number, name = fields["card.cardData"], fields["card.nameOnCard"]
    month, year, code = fields["card.expirationMonth"], fields["card.expirationYear"], fields["card.securityCode"]
    if not _digits(number, 12, 19):
        return "number must be text of 12 to 19 digits, without spaces"
    if not _digits(month, 2, 2) or not "01" <= month <= "12":
        return 'expiration_month must be text from "01" to "12"'
    if not _digits(year, 4, 4):
        return "expiration_year must be text of four digits"
    if code is not None and not _digits(code, 3, 4):
        return "security_code must be text of three or four digits"
    if name is not None and not (isinstance(name, str) and name and name.isascii() and name.isprintable()):
        return "name must be printable ASCII text"
    size = sum(len(value) for value in fields.values() if value is not None)
    return f"the card's parts have {size} bytes and the key has room for {room}: shorten the name" if size > room else ""


def _digits(value: object, least: int, most: int) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and least <= len(value) <= most


def _public_key(answer: Mapping[str, Any]) -> tuple[rsa.RSAPublicKey, str]:
    """The key in a credentials answer, and its id. Raises `CardError`."""
    text, key_id = answer.get("publicKey"), answer.get("keyId")
    if not isinstance(text, str) or not isinstance(key_id, str) or not key_id:
        raise CardError("the credentials answer has no publicKey and keyId: was the request for credentials refused?")
    try:
        der = base64.b64decode(text, validate=True)
        if der.startswith(_DER_AS_TEXT):  # the provider's own example is Base64 of Base64
            der = base64.b64decode(der, validate=True)
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise CardError("the publicKey of the credentials answer is no RSA public key in Base64")
    return key, key_id
