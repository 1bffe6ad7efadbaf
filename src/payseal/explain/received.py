"""The signature as it was received, decoded in every plausible way once: so that encodings cost the search nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

from payseal.mac import ENCODINGS
from payseal.schemes.base import SignatureRule

__all__ = ["Received"]

#: What a cut-off signature must still hold (bytes) to prove anything: a chance of one in 2⁶⁴.
_LEAST: Final = 8


class Received:
    """MACs that the received text may stand for, each with the mistakes in how it was written."""

    def __init__(self, texts: list[str], rule: SignatureRule) -> None:
        accepted = {encoding.name for encoding in rule.accept}
        self._whole: dict[bytes, tuple[str, ...]] = {}
        self._parts: dict[int, dict[bytes, tuple[str, ...]]] = {}
        for text in texts:
            for raw, codes in _decodings(text, accepted):
                if codes != self._whole.setdefault(raw, codes) and len(codes) < len(self._whole[raw]):
                    self._whole[raw] = codes
            for raw in _beginnings(text, rule.encoding.name):
                if len(raw) < rule.algorithm.size:
                    self._parts.setdefault(len(raw), {})[raw] = ("encoding-truncated",)

    @property
    def holds(self) -> Callable[[bytes], bool]:
        """Whether a MAC may be what was received: asked for each one that a search computes."""
        return self._holds_or_begins if self._parts else self._whole.__contains__

    def _holds_or_begins(self, mac: bytes) -> bool:
        return mac in self._whole or any(size < len(mac) and mac[:size] in parts for size, parts in self._parts.items())

    def mistakes(self, mac: bytes) -> tuple[str, ...]:
        """The mistakes in how this MAC, which was received, was written."""
        found = self._whole.get(mac)
        return found if found is not None else next(parts[mac[:size]] for size, parts in self._parts.items() if mac[:size] in parts)


def _decodings(text: str, accepted: set[str]) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    for name, raw in _plain_decodings(text):
        yield raw, () if name in accepted else (f"encoding-{_CODES[name]}",)
    if "%" in text:
        for name, raw in _plain_decodings(unquote(text)):
            yield raw, ("encoding-percent",) if name in accepted else ("encoding-percent", f"encoding-{_CODES[name]}")


#: encoding → the code's ending
_CODES: Final = {name: name for name in ENCODINGS} | {
    "base64url-unpadded": "base64url",
    "base64-unpadded": "unpadded",
    "base64-of-hex-unpadded": "unpadded",
}


def _plain_decodings(text: str) -> Iterator[tuple[str, bytes]]:
    if re.fullmatch(r"[0-9a-fA-F]+", text) and len(text) % 2 == 0:
        yield ("hex" if text == text.lower() else "hex-upper"), bytes.fromhex(text)
    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    kinds: list[tuple[str, Callable[[str], bytes]]] = []
    if re.fullmatch(r"[A-Za-z0-9+/]+", bare):
        kinds.append(("base64" if text == padded else "base64-unpadded", base64.b64decode))
    if re.fullmatch(r"[A-Za-z0-9_-]+", bare) and re.search(r"[_-]", bare):
        kinds.append(("base64url" if text == padded else "base64url-unpadded", base64.urlsafe_b64decode))
    for name, decode in kinds:
        try:
            raw = decode(padded)
        except (binascii.Error, ValueError):
            continue
        yield name, raw
        if re.fullmatch(rb"[0-9a-fA-F]{32,128}", raw) and len(raw) % 2 == 0:
            yield "base64-of-hex" if name == "base64" else "base64-of-hex-unpadded", bytes.fromhex(raw.decode())


def _beginnings(text: str, encoding: str) -> Iterator[bytes]:
    """What a cut-off text still says, in the encoding that the scheme has."""
    raw = b""
    if encoding.startswith("hex"):
        whole = text[: len(text) // 2 * 2]
        raw = bytes.fromhex(whole) if re.fullmatch(r"[0-9a-fA-F]+", whole) else b""
    elif re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
        bare = text.rstrip("=")
        raw = base64.b64decode(bare + "A" * (-len(bare) % 4))[: len(bare) * 6 // 8]
    if len(raw) >= _LEAST:
        yield raw
    hexadecimal = raw[: len(raw) // 2 * 2]
    if re.fullmatch(rb"[0-9a-fA-F]+", hexadecimal) and len(hexadecimal) >= 2 * _LEAST:
        yield bytes.fromhex(hexadecimal.decode())
