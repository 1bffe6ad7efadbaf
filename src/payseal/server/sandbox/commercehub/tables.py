"""What Commerce Hub keeps: sessions until they end, and every charge, capture, cancel and refund."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table

from payseal.server.sandbox.store import metadata

__all__ = ["sessions", "transactions"]

sessions = Table(
    "commercehub_sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("keyid", String, nullable=False),  # the credential that began it
    Column("rsa_key_id", String, nullable=False),
    Column("token_sha256", String, nullable=False, unique=True),
    Column("private_key", LargeBinary, nullable=False),  # sealed by the vault; empty once the session was used
    Column("expires", Float, nullable=False, index=True),
    Column("brand", String),  # of the card that was captured
    Column("last4", String),
    Column("month", String),
    Column("year", String),
    Column("used", Float),  # when a charge used it up
)

transactions = Table(
    "commercehub_transactions",
    metadata,
    Column("number", Integer, primary_key=True),  # in the order in which they were made
    Column("id", String, nullable=False, unique=True),
    Column("account", String, nullable=False),
    Column("charge_id", String, nullable=False, index=True),  # the charge it belongs to; a charge's own id
    Column("order_id", String, nullable=False),
    Column("client_request_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("amount", Integer, nullable=False),  # minor units
    Column("currency", String, nullable=False),
    Column("brand", String, nullable=False),
    Column("last4", String, nullable=False),
    Column("month", String, nullable=False),
    Column("year", String, nullable=False),
    Column("created", Integer, nullable=False),
    Index("commercehub_by_order", "account", "order_id"),
    Index("commercehub_by_request", "account", "client_request_id"),
)
