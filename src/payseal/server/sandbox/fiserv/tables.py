"""What the Payments API keeps: orders with what may be kept of their card, and their transactions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Integer, String, Table, UniqueConstraint

from payseal.server.sandbox.store import metadata

__all__ = ["orders", "payments"]

orders = Table(
    "fiserv_orders",
    metadata,
    Column("account", String, primary_key=True),
    Column("order_id", String, primary_key=True),
    Column("currency", String, nullable=False),
    Column("brand", String, nullable=False),
    Column("last4", String, nullable=False),
    Column("expiry_month", String, nullable=False),
    Column("expiry_year", String, nullable=False),
)

payments = Table(
    "fiserv_payments",
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("order_id", String, nullable=False),
    Column("position", Integer, nullable=False),  # in its order, from 0: the primary transaction
    Column("kind", String, nullable=False),
    Column("minor", Integer, nullable=False),  # whole units of the order's currency's smallest
    Column("parent", String),  # the transaction it acts on; none for the primary
    Column("voided", Boolean, nullable=False),
    Column("client_request_id", String, nullable=False),
    Column("created", Integer, nullable=False),  # seconds since the epoch
    UniqueConstraint("account", "order_id", "position"),
    ForeignKeyConstraint(["account", "order_id"], ["fiserv_orders.account", "fiserv_orders.order_id"]),
)
