"""What is done to charges: looked at, allowed by the rules and written down in one transaction of the database."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.commercehub.rules import Kind, Standing, State
from payseal.server.sandbox.commercehub.tables import transactions

__all__ = ["Charge", "Transaction", "add", "charge_of", "found", "new_charge", "part_of"]

#: What an inquiry can ask by, and where that stands.
_ASKED: Final = {
    "referenceTransactionId": transactions.c.id,
    "referenceOrderId": transactions.c.order_id,
    "referenceClientRequestId": transactions.c.client_request_id,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row. ``amount`` is in minor units, ``created`` in seconds since the epoch."""

    id: str
    account: str
    charge_id: str
    order_id: str
    client_request_id: str
    kind: Kind
    state: State
    amount: int
    currency: str
    brand: str
    last4: str
    month: str
    year: str
    created: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge, and how it stands."""

    first: Transaction
    standing: Standing


def new_charge(account: str, request: str, state: State, amount: int, currency: str, card: KeptCard, now: float) -> Transaction:
    """A charge with an id of its own."""
    own, order = uuid.uuid4().hex, f"CHG01{uuid.uuid4().hex}"
    return Transaction(own, account, own, order, request, Kind.CHARGE, state, amount, currency, **asdict(card), created=int(now))


def part_of(charge: Charge, request: str, kind: Kind, state: State, amount: int, now: float) -> Transaction:
    """What is done to a charge: of its order, its card and its currency."""
    first = charge.first
    card = {"brand": first.brand, "last4": first.last4, "month": first.month, "year": first.year}
    own = uuid.uuid4().hex
    return Transaction(own, first.account, first.id, first.order_id, request, kind, state, amount, first.currency, **card, created=int(now))


def add(connection: Connection, transaction: Transaction) -> None:
    """Write it down."""
    connection.execute(insert(transactions), asdict(transaction))


def charge_of(connection: Connection, account: str, id: str) -> Charge | None:
    """The charge that a transaction id means, its own or that of its capture; ``None`` when it is none of the account's."""
    named = _all(connection, transactions.c.account == account, transactions.c.id == id)
    if not named or named[0].kind not in (Kind.CHARGE, Kind.CAPTURE):
        return None
    history = _all(connection, transactions.c.charge_id == named[0].charge_id)
    return Charge(history[0], Standing.of((each.kind, each.state, each.amount) for each in history))


def found(connection: Connection, account: str, by: str, value: str) -> list[Transaction]:
    """The transactions of an account that an inquiry asks for, the first first, each in its current state."""
    rows = _all(connection, transactions.c.account == account, _ASKED[by] == value)
    return [_current(connection, each) for each in rows]


def _current(connection: Connection, transaction: Transaction) -> Transaction:
    """A charge is in the state that was brought about since."""
    if transaction.kind is not Kind.CHARGE:
        return transaction
    charge = charge_of(connection, transaction.account, transaction.id)
    return transaction if charge is None else _with_state(transaction, charge.standing.state)


def _with_state(transaction: Transaction, state: State) -> Transaction:
    return Transaction(**{**asdict(transaction), "state": state})


def _all(connection: Connection, *where: Any) -> list[Transaction]:
    columns: list[Any] = [column for column in transactions.columns if column.name != "number"]
    rows = connection.execute(select(*columns).where(*where).order_by(transactions.c.number)).mappings()
    return [Transaction(**{**row, "kind": Kind(row["kind"]), "state": State(row["state"])}) for row in rows]
