"""Fiserv Payments API, first cut: primary transactions and inquiry."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Request
from pydantic import AfterValidator, Field, SecretStr, model_validator
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from payseal.server.sandbox import cards
from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.fiserv.tables import payments
from payseal.server.sandbox.money import CURRENCIES, fits, minor_units
from payseal.server.sandbox.provider import Backing, Failure, Model, authenticated, provider_app, request_id, trace_id

__all__ = ["PREFIXES", "application"]

PREFIXES: Final = ("/gateway/v2", "/ipp/payments-gateway/v2")

_RESPONSE_TYPES: Final = {
    400: "BadRequest", 401: "Unauthenticated", 403: "Unauthorized", 404: "NotFound", 405: "BadRequest", 409: "GatewayDeclined",
    415: "UnsupportedMediaType", 422: "EndpointDeclined",
}  # fmt: skip
_TRANSACTION_TYPES: Final = {"PaymentCardSaleTransaction": "SALE", "PaymentCardPreAuthTransaction": "PREAUTH"}


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("the currency is not supported")
    return value


class Amount(Model):
    """An amount in major units."""

    total: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=3, allow_inf_nan=False)]
    currency: Annotated[str, AfterValidator(_known_currency)]

    @model_validator(mode="after")
    def _has_the_currency_s_decimals(self) -> Amount:
        if not fits(self.total, self.currency):
            raise ValueError("total has more decimals than its currency")
        return self


class ExpiryDate(Model):
    month: Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])$")]
    year: Annotated[str, Field(pattern=r"^\d{2}$")]


class PaymentCard(Model):
    number: SecretStr
    securityCode: SecretStr | None = None
    expiryDate: ExpiryDate


class PaymentMethod(Model):
    paymentCard: PaymentCard


class Order(Model):
    orderId: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class PaymentRequest(Model):
    """A primary transaction."""

    requestType: Literal["PaymentCardSaleTransaction", "PaymentCardPreAuthTransaction"]
    transactionAmount: Amount
    paymentMethod: PaymentMethod
    order: Order = Order()


def _shape(failure: Failure, request: Request) -> dict[str, Any]:
    error: dict[str, Any] = {"code": failure.code or str(failure.status), "message": failure.message}
    if failure.field:
        error["details"] = [{"field": failure.field, "message": failure.message}]
    return {
        "clientRequestId": request_id(request),
        "apiTraceId": trace_id(),
        "responseType": _RESPONSE_TYPES.get(failure.status, "ServerError"),
        "error": error,
    }


def application(backing: Backing) -> FastAPI:
    """The provider's application; the middleware in front of it has authenticated every request."""
    store, routes = backing.store, APIRouter()

    @routes.post("/payments")
    def pay(body: PaymentRequest, request: Request) -> dict[str, Any]:
        who = authenticated(request)
        card = body.paymentMethod.paymentCard
        kept = cards.keep(card.number.get_secret_value(), card.expiryDate.month, card.expiryDate.year)
        if kept is None:
            raise Failure(400, "The card number is not valid.", field="paymentMethod.paymentCard.number")
        amount = body.transactionAmount
        if stage_of(request).meet(minor_units(amount.total, amount.currency), who.id):
            raise Failure(422, "The card's issuer declined the payment.", code="5005")
        row = {
            "id": uuid.uuid4().hex,
            "account": who.account,
            "order_id": body.order.orderId or f"R-{uuid.uuid4()}",
            "client_request_id": who.nonce,
            "request_type": body.requestType,
            "total": str(body.transactionAmount.total),
            "currency": body.transactionAmount.currency,
            "brand": kept.brand,
            "last4": kept.last4,
            "expiry": f"{kept.month}/{kept.year}",
            "created": int(backing.clock()),
        }
        try:
            with store.write() as connection:
                connection.execute(insert(payments), row)
        except IntegrityError:
            raise Failure(409, "The order already exists in the database.", code="5003") from None
        return _transaction(row, who.nonce)

    @routes.get("/payments/{transaction_id}")
    def inquire(transaction_id: str, request: Request) -> dict[str, Any]:
        who = authenticated(request)
        with store.read() as connection:
            query = select(payments).where(payments.c.id == transaction_id, payments.c.account == who.account)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise Failure(404, "There is no transaction with this id.")
        return _transaction(dict(row), who.nonce)

    app = provider_app("Fiserv Payments API (sandbox)", _shape)
    for prefix in PREFIXES:
        app.include_router(routes, prefix=prefix)
    return app


def _transaction(row: dict[str, Any], client_request_id: str | None) -> dict[str, Any]:
    total = Decimal(row["total"])
    month, _, year = row["expiry"].partition("/")
    return {
        "clientRequestId": client_request_id,
        "apiTraceId": trace_id(),
        "ipgTransactionId": row["id"],
        "orderId": row["order_id"],
        "transactionType": _TRANSACTION_TYPES[row["request_type"]],
        "transactionTime": row["created"],
        "approvedAmount": {"total": float(total), "currency": row["currency"]},
        "transactionStatus": "APPROVED",
        "paymentMethodDetails": {
            "paymentCard": {"brand": row["brand"], "last4": row["last4"], "expiryDate": {"month": month, "year": year}},
        },
    }
