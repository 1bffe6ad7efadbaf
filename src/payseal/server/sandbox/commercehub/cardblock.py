"""The encrypted card: opened, cut into fields, and reduced to what may be kept of it.

PKCS#1 v1.5 is the padding of Bleichenbacher's attack: whoever can tell a block that was padded wrongly from one that was not, a million
times over, reads what others encrypted for the key. So what is wrong *inside* a block has one answer, and is found by the same steps. How
the block is to be cut is no secret, and is checked before anything is decrypted.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from payseal.server.sandbox.cards import KeptCard, keep

__all__ = ["NUMBER", "Cut", "CutError", "cut_of", "opened"]

NUMBER: Final = "card.cardData"
_NAME: Final = "card.nameOnCard"
_MONTH: Final = "card.expirationMonth"
_YEAR: Final = "card.expirationYear"
_CODE: Final = "card.securityCode"
_KNOWN: Final = (NUMBER, _NAME, _MONTH, _YEAR, _CODE)
_NEEDED: Final = (NUMBER, _MONTH, _YEAR)

#: A name that can be repeated to its sender: it cannot be a card number.
_SPEAKABLE: Final = re.compile(r"[A-Za-z]{1,20}(?:\.[A-Za-z]{1,20})?")


class CutError(Exception):
    """``encryptionBlockFields`` cannot be followed; the message says why."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a block is cut: name and bytes of each field, in order."""

    fields: tuple[tuple[str, int], ...]

    @property
    def length(self) -> int:
        """Bytes of the whole block."""
        return sum(length for _, length in self.fields)

    def of(self, block: bytes) -> dict[str, bytes]:
        """The fields of a block of that length."""
        found, start = {}, 0
        for name, length in self.fields:
            found[name], start = block[start : start + length], start + length
        return found


def cut_of(text: str) -> Cut:
    """Read ``encryptionBlockFields``, such as ``card.cardData:16,card.expirationMonth:2``. Raises `CutError`."""
    fields: dict[str, int] = {}
    for item in text.split(","):
        name, _, length = item.partition(":")
        if name not in _KNOWN:
            raise CutError(f"{name} is no field of a card" if _SPEAKABLE.fullmatch(name) else "There is a field that is none of a card")
        if name in fields:
            raise CutError(f"{name} stands there twice")
        if not (length.isascii() and length.isdigit() and 0 < len(length) < 4 and int(length)):
            raise CutError(f"{name} needs its number of bytes, as in {NUMBER}:16")
        fields[name] = int(length)
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise CutError(f"{missing[0]} is missing")
    return Cut(tuple(fields.items()))


def opened(block: str, cut: Cut, key: rsa.RSAPrivateKey) -> KeptCard | None:
    """What may be kept of the card in a Base64 block; ``None`` whatever is wrong with it."""
    plain = _decrypted(block, key)
    fields = cut.of(plain)
    card = keep(*(fields[name].decode("ascii", "replace") for name in _NEEDED))
    # Each is worked out, whatever the others say.
    whole, coded, named = len(plain) == cut.length, _is_code(fields.get(_CODE)), _is_name(fields.get(_NAME, b""))
    return card if whole & coded & named else None


def _decrypted(block: str, key: rsa.RSAPrivateKey) -> bytes:
    """The plain bytes; none when the block is no Base64, is not as long as the key, or is no number below its modulus.

    Nobody needs the key to see those. What only the key can tell, that the padding is wrong, raises nothing here: OpenSSL (from 3.2 on)
    rejects implicitly, and gives bytes that look random, of a length that key and block decide. They go through the same checks and fail
    there. Where an older library raises instead, the empty block fails in their place.
    """
    try:
        return key.decrypt(base64.b64decode(block, validate=True), padding.PKCS1v15())
    except ValueError:
        return b""


def _is_code(code: bytes | None) -> bool:
    return code is None or (code.isdigit() and len(code) in (3, 4))


def _is_name(name: bytes) -> bool:
    try:
        return name.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False
