"""Amounts: currencies with their minor units (ISO 4217), and exact arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

__all__ = ["CURRENCIES", "fits", "minor_units"]

#: ISO 4217 code → digits after the decimal point.
CURRENCIES: Final[dict[str, int]] = {
    "AED": 2, "AUD": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "EUR": 2, "GBP": 2, "GHS": 2, "INR": 2, "JPY": 0, "KES": 2,
    "KWD": 3, "MXN": 2, "NGN": 2, "RWF": 0, "TND": 3, "TZS": 2, "UGX": 0, "USD": 2, "XAF": 0, "XOF": 0, "ZAR": 2, "ZMW": 2,
}  # fmt: skip


def fits(total: Decimal, currency: str) -> bool:
    """Whether the amount has no more decimals than its currency."""
    return total == total.quantize(Decimal(1).scaleb(-CURRENCIES[currency]))


def minor_units(total: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit."""
    return int(total.scaleb(CURRENCIES[currency]))
