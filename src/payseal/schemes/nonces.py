"""Request ids: the formats that a signer can make, and what a verifier takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from payseal.grammar import Grammar

__all__ = ["NONCE_FORMATS", "NonceRule"]


def _uuid4(random: Callable[[int], bytes]) -> str:
    """A version 4 UUID (RFC 9562) whose last character is a letter.

    Some providers sign ``id ‖ time ‖ body`` with nothing in between. An id that ends in a letter leaves no digit that could be moved
    into the time by whoever captures the request, whatever the provider's verifier is like.
    """
    text = random(16).hex()
    last = "abcdefabcdefabcd"[int(text[31], 16)]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:31]}{last}"


def _hex(random: Callable[[int], bytes]) -> str:
    """128 random bits as 32 lower-case hexadecimal digits, the last of them a letter for the same reason."""
    text = random(16).hex()
    return text[:31] + "abcdefabcdefabcd"[int(text[31], 16)]


NONCE_FORMATS: Final[dict[str, Callable[[Callable[[int], bytes]], str]]] = {"uuid4": _uuid4, "hex": _hex}


@dataclass(frozen=True, slots=True)
class NonceRule:
    """The request id: what a signer makes, what a verifier takes."""

    format: str
    grammar: Grammar

    def make(self, random: Callable[[int], bytes]) -> str:
        """A new id from a source of random bytes such as `os.urandom`."""
        return NONCE_FORMATS[self.format](random)
