"""Amounts as they travel: a JSON number, as `exact_json` reads it, with no more decimals than its currency has."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from payseal.server.sandbox.money import CURRENCIES, fits, minor_units
from payseal.server.sandbox.provider import Model

__all__ = ["Amount"]


def _number(value: object) -> object:
    """A number as `exact_json` reads it: text that looks like one is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "The amount must be a JSON number")
    return value


def _known(value: str) -> str:
    if value not in CURRENCIES:
        raise PydanticCustomError("currency", "The currency is not supported")
    return value


_Total = Annotated[
    Decimal,
    Field(gt=0, max_digits=12, decimal_places=3, allow_inf_nan=False),
    BeforeValidator(_number),
    # At most twelve digits: a float has fifteen, and is written with the ones that went in.
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 999_999_999_999, "examples": [12.04]}),
]
_Currency = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(CURRENCIES)})]


class Amount(Model):
    """An amount in major units, with no more decimals than its currency has."""

    currency: _Currency  # before the total, which is held against it
    total: _Total

    @field_validator("total")
    @classmethod
    def _fits(cls, total: Decimal, info: ValidationInfo) -> Decimal:
        currency = info.data.get("currency")
        if currency is not None and not fits(total, currency):
            raise PydanticCustomError("decimals", "The amount has more decimals than its currency")
        return total

    @property
    def minor(self) -> int:
        """In the currency's smallest unit."""
        return minor_units(self.total, self.currency)

    @classmethod
    def of(cls, minor: int, currency: str) -> Amount:
        """From minor units."""
        return cls(currency=currency, total=Decimal(minor).scaleb(-CURRENCIES[currency]))
