"""Where the Payments API is asked: each route checks, acts in one step, and answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.exact_json import ExactRoute
from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.fiserv import records
from payseal.server.sandbox.fiserv.models import (
    ApprovedAmount,
    CardVerificationRequest,
    CardVerificationResponse,
    OrderResponse,
    PaymentMethodDetails,
    PrimaryRequest,
    SecondaryRequest,
    State,
    Status,
    Transaction,
    TransactionResponse,
    UsedCard,
    UsedCardExpiry,
)
from payseal.server.sandbox.fiserv.records import Maker, Order, Primary
from payseal.server.sandbox.fiserv.rules import Entry, Kind, NotAllowed, Wanted, weigh
from payseal.server.sandbox.fiserv.wording import DOCUMENTED, Declined, not_allowed, not_found, shape
from payseal.server.sandbox.money import CURRENCIES
from payseal.server.sandbox.provider import Backing, authenticated, provider_app, request_id, trace_id

__all__ = ["PREFIXES", "application"]

PREFIXES: Final = ("/gateway/v2", "/ipp/payments-gateway/v2")

TransactionId: TypeAlias = Annotated[str, Path(description="The ipgTransactionId of an answer.")]
OrderId: TypeAlias = Annotated[str, Path(description="The orderId of an answer.")]

_DESCRIPTION: Final = """\
Sales, pre-authorisations and what may follow them, with amounts checked across all transactions of an order. No money moves.

The same paths answer under `/ipp/payments-gateway/v2`. Every request is signed; an id that is sent again gets its first answer again.
"""


def application(backing: Backing) -> FastAPI:
    """The provider's application; the middleware in front of it has authenticated every request."""
    store = backing.store
    routes = APIRouter(route_class=ExactRoute, responses=DOCUMENTED)

    def maker(request: Request) -> Maker:
        who = authenticated(request)
        return Maker(who.account, who.id, int(backing.clock()))

    def add(body: SecondaryRequest, request: Request, find: Callable[[Connection, str], tuple[Order, Entry]]) -> TransactionResponse:
        made_by, amount = maker(request), body.transactionAmount
        wanted = Wanted(body.kind, None if amount is None else (amount.minor, amount.currency))
        with store.read() as connection:  # what the rules refuse is not a payment that could be declined
            order, target = find(connection, made_by.account)
            weigh(wanted, target, order.entries)
        if stage_of(request).meet(0 if amount is None else amount.minor, made_by.client_request_id):
            raise Declined(body.kind, made_by.now)
        with store.write() as connection:  # the order as it is now, and nobody comes in between
            order, target = find(connection, made_by.account)
            entry = records.add(connection, made_by, order, target, wanted)
        return _answer(order, entry, request)

    @routes.post("/payments", summary="Sale or pre-authorisation")
    def pay(body: PrimaryRequest, request: Request) -> TransactionResponse:
        """Begin an order with its primary transaction."""
        made_by, amount = maker(request), body.transactionAmount
        primary = Primary(body.kind, amount.minor, amount.currency)
        order_id = records.new_order_id() if body.order is None or body.order.orderId is None else body.order.orderId
        if stage_of(request).meet(primary.minor, made_by.client_request_id):
            raise Declined(body.kind, made_by.now)
        with store.write() as connection:
            order = records.begin(connection, made_by, order_id, primary, body.paymentMethod.paymentCard.kept())
        return _answer(order, order.primary, request)

    @routes.get("/payments/{transaction_id}", summary="Transaction inquiry")
    def inquire(transaction_id: TransactionId, request: Request) -> TransactionResponse:
        """A transaction as it is now."""
        with store.read() as connection:
            order, entry = _transaction(connection, authenticated(request).account, transaction_id)
        return _answer(order, entry, request)

    @routes.post("/payments/{transaction_id}", summary="Post-authorisation, void or return of a transaction")
    def add_to_transaction(transaction_id: TransactionId, body: SecondaryRequest, request: Request) -> TransactionResponse:
        """Act on a transaction. Partial post-authorisations and returns are allowed, up to what is left."""
        return add(body, request, lambda connection, account: _transaction(connection, account, transaction_id))

    @routes.get("/orders/{order_id:path}", summary="Order inquiry")
    def inquire_order(order_id: OrderId, request: Request) -> OrderResponse:
        """All transactions of an order, oldest first."""
        with store.read() as connection:
            order = _order(connection, authenticated(request).account, order_id)
        return OrderResponse(
            clientRequestId=request_id(request),
            apiTraceId=trace_id(),
            orderId=order.id,
            transactions=[Transaction(**_documented(order, entry)) for entry in order.entries],
        )

    @routes.post("/orders/{order_id:path}", summary="Post-authorisation, void or return of an order")
    def add_to_order(order_id: OrderId, body: SecondaryRequest, request: Request) -> TransactionResponse:
        """Act on an order by its own name: on its primary transaction, and for a return on all that was captured of it."""

        def primary_of(connection: Connection, account: str) -> tuple[Order, Entry]:
            order = _order(connection, account, order_id)
            return order, order.primary

        return add(body, request, primary_of)

    @routes.post("/card-verification", summary="Card verification")
    def verify_card(body: CardVerificationRequest, request: Request) -> CardVerificationResponse:
        """Whether a card could be paid with. No money moves and nothing is put on record."""
        made_by, card = maker(request), body.paymentCard.kept()
        if stage_of(request).meet(0, made_by.client_request_id):
            raise Declined(None, made_by.now)
        return CardVerificationResponse(
            clientRequestId=request_id(request),
            apiTraceId=trace_id(),
            transactionTime=made_by.now,
            transactionStatus=Status.APPROVED,
            transactionState=State.CHECKED,
            paymentMethodDetails=_details(card),
        )

    app = provider_app("Fiserv Payments API (sandbox)", shape)
    app.description = _DESCRIPTION
    app.add_exception_handler(NotAllowed, _refused)
    for prefix in PREFIXES:
        # One set of paths on the OpenAPI page: the other is the same under its other name.
        app.include_router(routes, prefix=prefix, include_in_schema=prefix == PREFIXES[0])
    return app


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotAllowed)
    failure = not_allowed(error.reason)
    return JSONResponse(shape(failure, request), failure.status)


def _order(connection: Connection, account: str, order_id: str) -> Order:
    order = records.order_named(connection, account, order_id)
    if order is None:
        raise not_found("order")
    return order


def _transaction(connection: Connection, account: str, transaction_id: str) -> tuple[Order, Entry]:
    order = records.order_with(connection, account, transaction_id)
    if order is None:
        raise not_found("transaction")
    return order, order.entry(transaction_id)


def _answer(order: Order, entry: Entry, request: Request) -> TransactionResponse:
    return TransactionResponse(clientRequestId=request_id(request), apiTraceId=trace_id(), **_documented(order, entry))


def _documented(order: Order, entry: Entry) -> dict[str, Any]:
    """A transaction's fields, as `Transaction` has them."""
    return {
        "ipgTransactionId": entry.id,
        "orderId": order.id,
        "transactionType": entry.kind,
        "transactionTime": entry.created,
        "approvedAmount": ApprovedAmount(total=Decimal(entry.minor).scaleb(-CURRENCIES[entry.currency]), currency=entry.currency),
        "transactionStatus": Status.APPROVED,
        "transactionState": _state(entry),
        "paymentMethodDetails": _details(order.card),
    }


def _state(entry: Entry) -> State:
    if entry.voided or entry.kind is Kind.VOID:
        return State.VOIDED
    return State.AUTHORIZED if entry.kind is Kind.PREAUTH else State.CAPTURED


def _details(card: KeptCard) -> PaymentMethodDetails:
    return PaymentMethodDetails(
        paymentCard=UsedCard(brand=card.brand, last4=card.last4, expiryDate=UsedCardExpiry(month=card.month, year=card.year))
    )
