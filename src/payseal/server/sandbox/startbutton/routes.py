"""Startbutton, first cut: transfers out of a merchant's wallets."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Request
from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.money import CURRENCIES
from payseal.server.sandbox.provider import Backing, Failure, Model, authenticated, provider_app
from payseal.server.sandbox.startbutton.tables import transfers, wallets
from payseal.server.sandbox.store import Store
from payseal.server.vault import DEMO_ACCOUNT

__all__ = ["PREFIXES", "application"]

PREFIXES: Final = ("/transaction",)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{16,100}")


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("the currency is not supported")
    return value


class Transfer(Model):
    """A payout to a bank account or a mobile wallet. ``amount`` is in fractional (minor) units."""

    amount: Annotated[int, Field(strict=True, gt=0, le=10**15)]
    currency: Annotated[str, AfterValidator(_known_currency)]
    country: Annotated[str, Field(min_length=2, max_length=60)]
    bankCode: str | None = None
    accountNumber: str | None = None
    MNO: str | None = None
    msisdn: str | None = None
    reference: str | None = None
    webhookUrl: str | None = None
    accountName: str | None = None
    recipientFirstName: str | None = None
    recipientLastName: str | None = None

    @model_validator(mode="after")
    def _says_where_to(self) -> Transfer:
        if not (self.bankCode and self.accountNumber) and not (self.MNO and self.msisdn):
            raise ValueError("give bankCode and accountNumber, or MNO and msisdn")
        return self


#: What the demo account's wallets hold at first, in minor units.
_OPENING_BALANCES: Final = {"GHS": 5_000_000, "KES": 50_000_000, "NGN": 100_000_000}


def _open_wallets(store: Store) -> None:
    with store.write() as connection:
        if connection.execute(select(wallets).limit(1)).first() is None:
            rows = [{"account": DEMO_ACCOUNT, "currency": each, "balance": held} for each, held in _OPENING_BALANCES.items()]
            connection.execute(insert(wallets), rows)


def _shape(failure: Failure, request: Request) -> dict[str, Any]:
    return {"success": False, "message": f"{failure.field}: {failure.message}" if failure.field else failure.message}


def application(backing: Backing) -> FastAPI:
    """The provider's application; the middleware in front of it has authenticated every request."""
    store, routes = backing.store, APIRouter()
    _open_wallets(store)

    @routes.post("/transfer")
    def transfer(body: Transfer, request: Request) -> dict[str, Any]:
        account = authenticated(request).account
        reference = body.reference or ""
        if not _REFERENCE.fullmatch(reference):
            reference = secrets.token_hex(12)  # as the provider does: another one takes its place
        if stage_of(request).meet(body.amount, body.reference or authenticated(request).id):
            raise Failure(400, "The transfer was declined by the recipient's institution")
        destination = f"MNO …{body.msisdn[-4:]}" if body.msisdn else f"bank …{(body.accountNumber or '')[-4:]}"
        try:
            with store.write() as connection:  # both or neither
                taken = connection.execute(
                    update(wallets)
                    .where(wallets.c.account == account, wallets.c.currency == body.currency, wallets.c.balance >= body.amount)
                    .values(balance=wallets.c.balance - body.amount)
                )
                if taken.rowcount != 1:
                    raise Failure(400, f"Insufficient funds in {body.currency} wallet")
                connection.execute(
                    insert(transfers).values(
                        reference=reference,
                        account=account,
                        amount=body.amount,
                        currency=body.currency,
                        country=body.country,
                        destination=destination,
                        created=int(backing.clock()),
                    )
                )
        except IntegrityError:
            raise Failure(409, "Duplicate transaction") from None
        return {"success": True, "message": "transfer", "data": "processing"}

    app = provider_app("Startbutton (sandbox)", _shape)
    app.include_router(routes, prefix="/transaction")
    return app
