"""Cards: what may be kept of one. The number and the security code are never stored, logged or shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["KeptCard", "keep"]

_BRANDS = (
    ("VISA", r"4"),
    ("MASTERCARD", r"5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)"),
    ("AMEX", r"3[47]"),
    ("DISCOVER", r"6011|65|64[4-9]"),
    ("JCB", r"35(2[89]|[3-8])"),
    ("DINERS", r"3(0[0-5]|[689])"),
)


@dataclass(frozen=True, slots=True)
class KeptCard:
    """What is left of a card once it was used."""

    last4: str
    brand: str
    month: str
    year: str


def keep(number: str, month: str, year: str) -> KeptCard | None:
    """What may be kept, or ``None`` when this is no card: 12 to 19 digits with a right check digit (ISO/IEC 7812-1), a real month."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19) or _luhn(number) != 0:
        return None
    if not re.fullmatch(r"0[1-9]|1[0-2]", month) or not re.fullmatch(r"\d{2}|20\d{2}", year, re.ASCII):
        return None
    brand = next((name for name, prefix in _BRANDS if re.match(prefix, number)), "UNKNOWN")
    return KeptCard(number[-4:], brand, month, year[-2:])


def _luhn(number: str) -> int:
    """The check sum, 0 when the check digit is right: every second digit from the right is doubled."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10
