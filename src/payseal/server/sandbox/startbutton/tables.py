"""What Startbutton keeps. Amounts are minor units."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from payseal.server.sandbox.store import metadata

__all__ = ["transfers", "wallets"]

transfers = Table(
    "startbutton_transfers",
    metadata,
    Column("reference", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", String, nullable=False),
    Column("country", String, nullable=False),
    Column("destination", String, nullable=False),  # how it is paid out, and the last four characters of where to
    Column("created", Integer, nullable=False),
)

wallets = Table(
    "startbutton_wallets",
    metadata,
    Column("account", String, primary_key=True),
    Column("currency", String, primary_key=True),
    Column("balance", Integer, nullable=False),
)
