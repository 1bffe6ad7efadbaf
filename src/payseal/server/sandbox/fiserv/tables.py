"""What the Payments API keeps."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, UniqueConstraint

from payseal.server.sandbox.store import metadata

__all__ = ["payments"]

payments = Table(
    "fiserv_payments",
    metadata,
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
