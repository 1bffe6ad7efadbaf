"""Two signature bases, one over the other: what should have been signed, what was, and where they part.

A base holds the body, and a body can hold a card number: long runs of digits are masked unless they are asked for. Control characters are
shown as their pictures (␊ for a newline), so that a column is a character and nothing steers the terminal.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

__all__ = ["Masking", "compared"]

#: Bytes that are shown before and after the first one that differs.
_BEFORE: Final = 36
_AFTER: Final = 44
#: Twelve digits or more, also in groups as they stand on a card. More than nineteen too: a card number may follow other digits.
_CARD_LIKE: Final = re.compile(rb"\d(?:[ -]?\d){11,}")
#: How many leading characters tell the time of the request from a card number.
_TIME_TELLS: Final = 6


@dataclass(frozen=True, slots=True)
class Masking:
    """What is masked. ``time`` is the time that belongs into the base: it looks like a card number and is none."""

    on: bool = True
    time: str = ""

    def __call__(self, base: bytes) -> bytes:
        """The base with each such digit as ``*``, which sorts before every digit; as long as before."""
        if not self.on:
            return base
        start, end = self._time_in(base)
        return self._masked(base[:start]) + base[start:end] + self._masked(base[end:])

    def _time_in(self, base: bytes) -> tuple[int, int]:
        known = self.time.encode("utf-8", "replace")
        if not known.isdigit() or len(known) < 10:
            return 0, 0
        found = re.search(re.escape(known[:_TIME_TELLS]) + rb"\d{%d,7}" % (10 - _TIME_TELLS), base)
        return found.span() if found else (0, 0)

    @staticmethod
    def _masked(text: bytes) -> bytes:
        return _CARD_LIKE.sub(lambda run: re.sub(rb"\d", b"*", run[0]), text)


def compared(expected: bytes, signed: bytes, masking: Masking) -> list[str]:
    """The lines to show: where the two part, both, and a mark below the first byte that differs. None where they are equal."""
    if expected == signed:
        return []
    at = _at_character(expected, _first_difference(expected, signed))
    start = _at_character(expected, max(0, at - _BEFORE))
    bases = {"expected": masking(expected), "signed": masking(signed)}
    # Masked in one, masked in both: digits that go on in the other base alone make a card number there.
    shared = bytes(map(min, *(base[start:at] for base in bases.values())))
    lead = ("…" if start else "") + _visible(shared)
    lines = [f"The bases differ from byte {at + 1} on: {len(expected)} bytes were expected, {len(signed)} were signed."]
    for name, base in bases.items():
        end = _at_character(base, min(len(base), at + _AFTER))
        lines.append(f"{name:<8}  {lead}{_visible(base[at:end])}{'…' if end < len(base) else ''}")
    return [*lines, f"{'':<8}  {' ' * _columns(lead)}^"]


def _first_difference(one: bytes, two: bytes) -> int:
    """The first place where they differ; found by halves, since a base may be megabytes long."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _at_character(base: bytes, at: int) -> int:
    """That place, or where the character begins that it stands in (UTF-8 has four bytes at most)."""
    return next((place for place in range(at, max(at - 4, -1), -1) if base[place : place + 1] < b"\x80" or base[place] >= 0xC0), at)


def _visible(text: bytes) -> str:
    return "".join(map(_shown, text.decode("utf-8", "surrogateescape")))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if not character.isprintable():
        return f"\\u{code:04x}"
    return character


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
