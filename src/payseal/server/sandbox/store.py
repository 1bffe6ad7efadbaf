"""What the sandbox accepted, in its SQLite file. Amounts are kept as exact decimal text or whole minor units; of cards, what `cards` keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    select,
)

from payseal.server.sqlite_files import PATIENCE, create_private, prepare

__all__ = ["charges", "open_store", "payments", "sessions", "transfers", "wallets"]

_metadata = MetaData()

payments = Table(
    "payments",
    _metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("order_id", String, nullable=False),
    Column("client_request_id", String, nullable=False),
    Column("request_type", String, nullable=False),
    Column("total", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("brand", String, nullable=False),
    Column("last4", String, nullable=False),
    Column("expiry", String, nullable=False),
    Column("created", Integer, nullable=False),
    UniqueConstraint("account", "order_id"),
)

transfers = Table(
    "transfers",
    _metadata,
    Column("reference", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("amount", Integer, nullable=False),  # minor units
    Column("currency", String, nullable=False),
    Column("country", String, nullable=False),
    Column("destination", String, nullable=False),  # how it is paid out, and the last four characters of where to
    Column("created", Integer, nullable=False),
)

wallets = Table(
    "wallets",
    _metadata,
    Column("account", String, primary_key=True),
    Column("currency", String, primary_key=True),
    Column("balance", Integer, nullable=False),  # minor units
)

sessions = Table(
    "sessions",
    _metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("keyid", String, nullable=False),
    Column("rsa_key_id", String, nullable=False),
    Column("token_sha256", String, nullable=False, unique=True),
    Column("private_key", LargeBinary, nullable=False),  # sealed by the vault
    Column("expires", Float, nullable=False),
    Column("brand", String),  # of the card that was captured
    Column("last4", String),
    Column("expiry", String),
    Column("used", Float),  # when a charge used it up
)

charges = Table(
    "charges",
    _metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("session_id", String, nullable=False, unique=True),
    Column("client_request_id", String, nullable=False),
    Column("total", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("created", Integer, nullable=False),
)

#: What the demo account's wallets hold at first, in minor units.
_OPENING_BALANCES = {"GHS": 5_000_000, "KES": 50_000_000, "NGN": 100_000_000}


def open_store(path: Path, account: str) -> Engine:
    """Open the database, make its tables and the account's wallets where they are missing."""
    # hide_parameters: a failing statement's text goes to the log, its values do not.
    create_private(path)
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": PATIENCE})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: object) -> None:
        prepare(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # what a transaction has read is still so when it writes

    with engine.begin() as connection:
        _metadata.create_all(connection)
        if connection.execute(select(wallets).limit(1)).first() is None:
            rows = [{"account": account, "currency": currency, "balance": balance} for currency, balance in _OPENING_BALANCES.items()]
            connection.execute(insert(wallets), rows)
    return engine
