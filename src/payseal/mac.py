"""MAC algorithms and encodings, as two tables, and the one comparison.

HMAC is RFC 2104; Base64 and its URL-safe alphabet are RFC 4648. An unknown name is an error where it is looked up: nothing falls
back to a weaker algorithm.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64, hexlify
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from payseal.grammar import BASE64, BASE64URL, HEX_LOWER, HEX_UPPER

__all__ = ["ALGORITHMS", "ENCODINGS", "Algorithm", "Encoding", "PreparedMac", "same"]

Buffer: TypeAlias = bytes | bytearray | memoryview

#: What RFC 2104 xors the key with, as tables for `bytes.translate`.
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a signature base becomes a signature."""

    name: str
    hash: str  # hashlib's name
    size: int  # bytes of output
    keyed: bool


ALGORITHMS: Final[dict[str, Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("hmac-sha256", "sha256", 32, keyed=True),
        Algorithm("hmac-sha384", "sha384", 48, keyed=True),
        Algorithm("hmac-sha512", "sha512", 64, keyed=True),
        # A plain digest proves that nothing was damaged on the way, not who sent it: a Verifier wants to be told to take it.
        Algorithm("sha256", "sha256", 32, keyed=False),
        Algorithm("sha384", "sha384", 48, keyed=False),
        Algorithm("sha512", "sha512", 64, keyed=False),
    )
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of a MAC become text. Never decoded: a verifier encodes its own MAC and compares text, so that there is
    exactly one spelling of each signature and nothing to parse."""

    name: str
    spell: Callable[[bytes], bytes]  # the text, as it is on the wire; ASCII
    length: Callable[[int], int]  # bytes of MAC → characters
    alphabet: frozenset[str]

    def encode(self, mac: bytes) -> str:
        """The text."""
        return self.spell(mac).decode()


def _base64(mac: bytes) -> bytes:
    return b2a_base64(mac, newline=False)


def _base64url(mac: bytes) -> bytes:
    return _base64(mac).translate(_URL_SAFE)


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def _padded(size: int) -> int:
    return (size + 2) // 3 * 4


ENCODINGS: Final[dict[str, Encoding]] = {
    encoding.name: encoding
    for encoding in (
        Encoding("hex", hexlify, lambda size: 2 * size, HEX_LOWER),
        Encoding("hex-upper", lambda mac: hexlify(mac).upper(), lambda size: 2 * size, HEX_UPPER),
        Encoding("base64", _base64, _padded, BASE64),
        Encoding("base64url", _base64url, _padded, BASE64URL),
        Encoding("base64url-unpadded", lambda mac: _base64url(mac).rstrip(b"="), lambda size: (size * 4 + 2) // 3, BASE64URL),
        # Base64 of the lower-case hex text: what several payment SDKs send for the same MAC.
        Encoding("base64-of-hex", lambda mac: _base64(hexlify(mac)), lambda size: _padded(2 * size), BASE64),
    )
}


class PreparedMac:
    """A MAC whose key is already taken in: each `digest` starts from a copy of that state.

    ``key`` is ``None`` for an algorithm without a key. The object shows nothing of the key and cannot be pickled.

    HMAC is written out here, H(outer ‖ H(inner ‖ text)) of RFC 2104, because the two states after the padded key can then be kept: that
    is half the time of `hmac.digest` for a short text, and less than copying an `hmac.HMAC`.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, algorithm: Algorithm, key: bytes | None) -> None:
        if algorithm.keyed != (key is not None):
            raise ValueError(f"{algorithm.name} takes {'a' if algorithm.keyed else 'no'} key")
        # usedforsecurity stays at its default: these are all approved hashes.
        inner = hashlib.new(algorithm.hash)
        self._outer: Callable[[], Any] | None = None
        if key is not None:
            if len(key) > inner.block_size:
                key = hashlib.new(algorithm.hash, key).digest()
            key = key.ljust(inner.block_size, b"\0")
            inner.update(key.translate(_INNER_PAD))
            self._outer = hashlib.new(algorithm.hash, key.translate(_OUTER_PAD)).copy
        self._inner: Callable[[], Any] = inner.copy

    def digest(self, pieces: Iterable[Buffer]) -> bytes:
        """The MAC (or digest) over the pieces one after the other; none of them is copied."""
        state = self._inner()
        for piece in pieces:
            state.update(piece)
        outer = self._outer
        if outer is not None:
            inside, state = state, outer()
            state.update(inside.digest())
        result: bytes = state.digest()
        return result

    def of_two(self, leading: bytes, body: bytes) -> bytes:
        """`digest` of two pieces: what nearly every request is signed over."""
        outer = self._outer
        if outer is None:
            return self.digest((leading, body))
        inside = self._inner()
        inside.update(leading)
        inside.update(body)
        outside = outer()
        outside.update(inside.digest())
        mac: bytes = outside.digest()
        return mac

    def __reduce__(self) -> Any:
        raise TypeError("a prepared MAC holds a key and is not pickled")


def same(left: str, right: str) -> bool:
    """Whether two ASCII texts are equal, in time that does not depend on where they differ."""
    if left.isascii() and right.isascii():
        return hmac.compare_digest(left, right)
    return hmac.compare_digest(left.encode("ascii", "replace"), right.encode("ascii", "replace"))
