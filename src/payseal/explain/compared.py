"""Two signature bases, one over the other: what should have been signed, what was, and where they part.

A base holds the body, and a body can hold a card number: long runs of digits are masked unless they are asked for. Control characters are
shown as their pictures (␊ for a newline), so that a column is a character and nothing steers the terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

__all__ = ["compared"]

#: Bytes that are shown before and after the first one that differs.
_BEFORE: Final = 36
_AFTER: Final = 44


def compared(expected: bytes, signed: bytes, masking: Callable[[bytes], bytes]) -> list[str]:
    """The lines to show: where the two part, both, and a mark below the first byte that differs. None where they are equal.

    ``masking`` gives a base with what is not shown as stars, as long as before (`payseal.explain.masking.Masking`).
    """
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
