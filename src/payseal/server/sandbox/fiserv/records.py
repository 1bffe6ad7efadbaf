"""Orders on record: found for their account alone, begun, and added to.

What is checked and what is written go through one connection. Of `Store.write`, that makes them one step that nobody comes between.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.fiserv.rules import Entry, Kind, NotAllowed, Reason, Wanted, weigh
from payseal.server.sandbox.fiserv.tables import orders, payments

__all__ = ["Maker", "Order", "Primary", "add", "begin", "new_order_id", "order_named", "order_with"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was found: its card, and its transactions, oldest first."""

    id: str
    card: KeptCard
    entries: Sequence[Entry]

    @property
    def primary(self) -> Entry:
        """The transaction that began it."""
        return self.entries[0]

    def entry(self, id: str) -> Entry:
        """The one of its transactions that has this id."""
        return next(entry for entry in self.entries if entry.id == id)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a transaction, with which request, and when (seconds since the epoch)."""

    account: str
    client_request_id: str
    now: int


@dataclass(frozen=True, slots=True)
class Primary:
    """The transaction that begins an order. ``minor`` is in the currency's smallest unit."""

    kind: Kind
    minor: int
    currency: str


def order_named(connection: Connection, account: str, order_id: str) -> Order | None:
    """The account's order with that name."""
    named = select(orders).where(orders.c.account == account, orders.c.order_id == order_id)
    row = connection.execute(named).mappings().first()
    if row is None:
        return None
    of_it = select(payments).where(payments.c.account == account, payments.c.order_id == order_id).order_by(payments.c.position)
    entries = [
        Entry(each["id"], Kind(each["kind"]), each["minor"], row["currency"], each["parent"], each["voided"], each["created"])
        for each in connection.execute(of_it).mappings()
    ]
    return Order(order_id, KeptCard(row["last4"], row["brand"], row["expiry_month"], row["expiry_year"]), entries)


def order_with(connection: Connection, account: str, transaction_id: str) -> Order | None:
    """The account's order that a transaction belongs to."""
    query = select(payments.c.order_id).where(payments.c.account == account, payments.c.id == transaction_id)
    order_id = connection.execute(query).scalar_one_or_none()
    return None if order_id is None else order_named(connection, account, order_id)


def new_order_id() -> str:
    """A name for an order that was given none."""
    return f"R-{uuid.uuid4()}"


def begin(connection: Connection, maker: Maker, order_id: str, primary: Primary, card: KeptCard) -> Order:
    """A new order. Raises `NotAllowed` when the account has one with that name."""
    if order_named(connection, maker.account, order_id) is not None:
        raise NotAllowed(Reason.ORDER_EXISTS)
    connection.execute(
        insert(orders).values(
            account=maker.account,
            order_id=order_id,
            currency=primary.currency,
            brand=card.brand,
            last4=card.last4,
            expiry_month=card.month,
            expiry_year=card.year,
        )
    )
    entry = Entry(uuid.uuid4().hex, primary.kind, primary.minor, primary.currency, None, False, maker.now)
    _keep(connection, maker, order_id, 0, entry)
    return Order(order_id, card, (entry,))


def add(connection: Connection, maker: Maker, order: Order, target: Entry, wanted: Wanted) -> Entry:
    """One secondary transaction more. The order is what this connection has found. Raises `NotAllowed`."""
    minor = weigh(wanted, target, order.entries)
    if wanted.kind is Kind.VOID:
        connection.execute(update(payments).where(payments.c.id == target.id).values(voided=True))
    entry = Entry(uuid.uuid4().hex, wanted.kind, minor, target.currency, target.id, False, maker.now)
    _keep(connection, maker, order.id, len(order.entries), entry)
    return entry


def _keep(connection: Connection, maker: Maker, order_id: str, position: int, entry: Entry) -> None:
    connection.execute(
        insert(payments).values(
            id=entry.id,
            account=maker.account,
            order_id=order_id,
            position=position,
            kind=entry.kind.value,
            minor=entry.minor,
            parent=entry.parent,
            voided=entry.voided,
            client_request_id=maker.client_request_id,
            created=entry.created,
        )
    )
