"""MAC algorithms and encodings, as two tables, and the one comparison.

HMAC is RFC 2104; Base64 and its URL-safe alphabet are RFC 4648. An unknown name is an error where it is looked up: nothing falls
back to a weaker algorithm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from payseal.grammar import BASE64, BASE64URL, HEX_LOWER, HEX_UPPER

__all__ = ["ALGORITHMS", "ENCODINGS", "Algorithm", "Encoding", "PreparedMac", "same"]

Buffer: TypeAlias = bytes | bytearray | memoryview


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
    encode: Callable[[bytes], str]
    length: Callable[[int], int]  # bytes of MAC → characters
    alphabet: frozenset[str]


def _base64(mac: bytes) -> str:
    return base64.b64encode(mac).decode("ascii")


def _base64url(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode("ascii")


def _padded(size: int) -> int:
    return (size + 2) // 3 * 4


ENCODINGS: Final[dict[str, Encoding]] = {
    encoding.name: encoding
    for encoding in (
        Encoding("hex", bytes.hex, lambda size: 2 * size, HEX_LOWER),
        Encoding("hex-upper", lambda mac: mac.hex().upper(), lambda size: 2 * size, HEX_UPPER),
        Encoding("base64", _base64, _padded, BASE64),
        Encoding("base64url", _base64url, _padded, BASE64URL),
        Encoding("base64url-unpadded", lambda mac: _base64url(mac).rstrip("="), lambda size: (size * 4 + 2) // 3, BASE64URL),
        # Base64 of the lower-case hex text: what several payment SDKs send for the same MAC.
        Encoding("base64-of-hex", lambda mac: _base64(mac.hex().encode("ascii")), lambda size: _padded(2 * size), BASE64),
    )
}


class PreparedMac:
    """A MAC whose key is already taken in: each `digest` starts from a copy of that state.

    ``key`` is ``None`` for an algorithm without a key. The object shows nothing of the key and cannot be pickled.
    """

    __slots__ = ("_start",)

    def __init__(self, algorithm: Algorithm, key: bytes | None) -> None:
        if algorithm.keyed != (key is not None):
            raise ValueError(f"{algorithm.name} takes {'a' if algorithm.keyed else 'no'} key")
        # usedforsecurity stays at its default: these are all approved hashes.
        self._start: Any = hashlib.new(algorithm.hash) if key is None else hmac.new(key, digestmod=algorithm.hash)

    def digest(self, pieces: Iterable[Buffer]) -> bytes:
        """The MAC (or digest) over the pieces one after the other; none of them is copied."""
        state = self._start.copy()
        for piece in pieces:
            state.update(piece)
        result: bytes = state.digest()
        return result

    def __reduce__(self) -> Any:
        raise TypeError("a prepared MAC holds a key and is not pickled")


def same(left: str, right: str) -> bool:
    """Whether two ASCII texts are equal, in time that does not depend on where they differ."""
    return hmac.compare_digest(left.encode("ascii", "replace"), right.encode("ascii", "replace"))
