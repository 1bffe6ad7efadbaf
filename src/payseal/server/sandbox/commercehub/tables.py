"""What Commerce Hub keeps."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, LargeBinary, String, Table

from payseal.server.sandbox.store import metadata

__all__ = ["charges", "sessions"]

sessions = Table(
    "commercehub_sessions",
    metadata,
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
    "commercehub_charges",
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("session_id", String, nullable=False, unique=True),
    Column("client_request_id", String, nullable=False),
    Column("total", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("created", Integer, nullable=False),
)
