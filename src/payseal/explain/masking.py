"""What is masked where a body is shown: long runs of digits, which may be card numbers, and security codes. Lengths stay as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Masking", "masked"]

#: What may stand between two groups of a card's digits: spaces and hyphens, also as a form or a typesetter writes them.
_BETWEEN: Final = rb"(?:[ \t\r\n+_-]|%20|\xc2\xa0|\xe2\x80[\x80-\x95\xaf])"
#: Twelve digits or more, also in groups as they stand on a card. More than nineteen too: a card number may follow other digits.
_CARD_LIKE: Final = re.compile(rb"\d(?:" + _BETWEEN + rb"{0,2}\d){11,}")
#: A security code under one of its usual names, in JSON (also in JSON that is a text of JSON) or a form (also percent-encoded).
_QUOTE: Final = rb"""(?:\\*["']|%22|%27)?"""
_CODE_LIKE: Final = re.compile(
    rb"((?:security[_-]?code|verification[_-]?(?:code|value)|cvv2?|cvc2?|cav2?|cvn2?|csc|cid|card_?code)"
    + _QUOTE
    + rb"(?:\s|%20|\+)*(?:[:=]|%3A|%3D)(?:\s|%20|\+)*"
    + _QUOTE
    + rb")(\d{3,4})(?!\d)",
    re.IGNORECASE,
)
#: How many leading characters tell the time of the request from a card number, and how many digits a time has.
_TIME_TELLS: Final = 6
_TIME: Final = range(10, 15)


@dataclass(frozen=True, slots=True)
class Masking:
    """What is masked in a signature base. ``time`` is the time that belongs into the base: it looks like a card number and is none."""

    on: bool = True
    time: str = ""

    def __call__(self, base: bytes) -> bytes:
        """The base with each such digit as ``*``, which sorts before every digit; as long as before."""
        if not self.on:
            return base
        start, end = self._time_in(base)
        return masked(base[:start]) + base[start:end] + masked(base[end:])

    def _time_in(self, base: bytes) -> tuple[int, int]:
        known = self.time.encode("utf-8", "replace")
        if not known.isdigit() or len(known) not in _TIME:
            return 0, 0
        found = re.search(re.escape(known[:_TIME_TELLS]) + rb"\d{%d,7}" % (10 - _TIME_TELLS), base)
        return found.span() if found else (0, 0)


def masked(text: bytes) -> bytes:
    """The text with each digit of a possible card number or security code as ``*``."""
    if b"\0" in text:  # UTF-16, or no text at all: digits have other bytes between them
        return re.sub(rb"\d", b"*", text)
    text = _CARD_LIKE.sub(lambda run: re.sub(rb"\d", b"*", run[0]), text)
    return _CODE_LIKE.sub(lambda found: found[1] + b"*" * len(found[2]), text)
