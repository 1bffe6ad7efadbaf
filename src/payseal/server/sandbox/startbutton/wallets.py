"""Wallets: one for each account and currency, with an opening balance. Every change of a balance is one statement that checks it too."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final, get_args

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from payseal.server.sandbox.startbutton.banks import Currency
from payseal.server.sandbox.startbutton.outcomes import Status
from payseal.server.sandbox.startbutton.tables import transfers, wallets
from payseal.server.sandbox.store import Store

__all__ = ["OPENING_BALANCES", "add", "open_wallets", "statement", "take"]

#: What an account's wallets hold at first, in minor units.
OPENING_BALANCES: Final[Mapping[Currency, int]] = {
    "GHS": 5_000_000,
    "KES": 50_000_000,
    "NGN": 100_000_000,
    "RWF": 100_000_000,
    "TZS": 100_000_000,
    "UGX": 200_000_000,
    "XOF": 50_000_000,
    "ZAR": 10_000_000,
    "ZMW": 10_000_000,
}


def open_wallets(connection: Connection, account: str, now: int) -> None:
    """Open those that the account does not have yet. ``now`` is milliseconds since the epoch."""
    rows: list[dict[str, Any]] = [
        {"account": account, "currency": each, "id": secrets.token_hex(12), "balance": held, "created": now, "updated": now}
        for each, held in OPENING_BALANCES.items()
    ]
    connection.execute(insert(wallets).on_conflict_do_nothing(), rows)


def take(connection: Connection, account: str, currency: str, amount: int, now: int) -> bool:
    """Take an amount out; ``False``, and nothing taken, where there is not so much."""
    taken = connection.execute(
        update(wallets)
        .where(wallets.c.account == account, wallets.c.currency == currency, wallets.c.balance >= amount)
        .values(balance=wallets.c.balance - amount, updated=now)
    )
    return taken.rowcount == 1


def add(connection: Connection, account: str, currency: str, amount: int, now: int) -> None:
    """Put an amount in."""
    connection.execute(
        update(wallets)
        .where(wallets.c.account == account, wallets.c.currency == currency)
        .values(balance=wallets.c.balance + amount, updated=now)
    )


def statement(store: Store, account: str, now: int) -> list[tuple[dict[str, Any], int]]:
    """The account's wallets by currency, each with what its pending transfers hold; opened where that has not happened yet."""
    found = _statement(store, account)
    if len(found) < len(get_args(Currency)):
        with store.write() as connection:
            open_wallets(connection, account, now)
        found = _statement(store, account)
    return found


def _statement(store: Store, account: str) -> list[tuple[dict[str, Any], int]]:
    with store.read() as connection:
        rows = connection.execute(select(wallets).where(wallets.c.account == account).order_by(wallets.c.currency)).mappings().all()
        on_the_way = _held(connection, account)
    return [(dict(row), on_the_way.get(row["currency"], 0)) for row in rows]


def _held(connection: Connection, account: str) -> dict[str, int]:
    """Currency → the sum of the account's pending transfers."""
    query = select(transfers.c.currency, func.sum(transfers.c.amount)).where(
        transfers.c.account == account, transfers.c.status == Status.PENDING.value
    )
    return {currency: int(total) for currency, total in connection.execute(query.group_by(transfers.c.currency))}
