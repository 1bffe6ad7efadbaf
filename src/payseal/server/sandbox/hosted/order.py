"""What is to be paid, and the ticket that lets a page ask for it to be charged."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from payseal.errors import CredentialError
from payseal.server.sandbox.money import CURRENCIES, fits
from payseal.server.vault import Vault

__all__ = ["Order", "Ticket"]

#: The longest ticket that is looked at (characters).
_LONGEST: Final = 1024


def _known(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("the currency is not supported")
    return value


class Order(BaseModel):
    """An amount in major units, and its currency (ISO 4217)."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    amount: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?$")]
    currency: Annotated[str, AfterValidator(_known)]

    @model_validator(mode="after")
    def _can_be_paid(self) -> Order:
        if self.total <= 0 or not fits(self.total, self.currency):
            raise ValueError("the amount is not above 0, or has more decimals than its currency")
        return self

    @property
    def total(self) -> Decimal:
        """The amount, exactly."""
        return Decimal(self.amount)

    @property
    def shown(self) -> str:
        """The amount with all the decimals of its currency."""
        return f"{self.total:.{CURRENCIES[self.currency]}f}"


class _Sealed(BaseModel):
    order: Order
    request_id: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the shop knows of one page, in the page's own hands: sealed, so that it can neither be read nor changed nor moved to
    another session. ``request_id`` is that of the charge: however often it is asked for, it is one."""

    session_id: str
    order: Order
    request_id: str

    @classmethod
    def new(cls, session_id: str, order: Order) -> Ticket:
        """For a page that begins."""
        return cls(session_id, order, str(uuid.uuid4()))

    def seal(self, vault: Vault) -> str:
        """As the page is given it: another text each time."""
        plain = _Sealed(order=self.order, request_id=self.request_id).model_dump_json().encode()
        return base64.urlsafe_b64encode(vault.seal(plain, _subject(self.session_id))).decode("ascii")

    @classmethod
    def unseal(cls, vault: Vault, session_id: str, text: str) -> Ticket | None:
        """What `seal` made for this session; ``None`` for anything else."""
        if len(text) > _LONGEST:
            return None
        try:
            plain = vault.unseal(base64.b64decode(text, altchars=b"-_", validate=True), _subject(session_id))
            sealed = _Sealed.model_validate_json(plain)
        except (binascii.Error, ValueError, CredentialError, ValidationError):
            return None
        return cls(session_id, sealed.order, sealed.request_id)


def _subject(session_id: str) -> str:
    return f"hosted/{session_id}"
