"""What Startbutton keeps. Amounts are minor units; times are milliseconds since the epoch."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from payseal.server.sandbox.store import metadata

__all__ = ["outbox", "transfers", "wallets"]

wallets = Table(
    "startbutton_wallets",
    metadata,
    Column("account", String, primary_key=True),
    Column("currency", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("balance", Integer, nullable=False),  # what can be sent; a pending transfer's amount has left it
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
)

transfers = Table(
    "startbutton_transfers",
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("keyid", String),  # the credential that sent it, whose access token signs its webhooks
    Column("reference", String, nullable=False),
    Column("given_reference", String),  # the same, where it is the merchant's own
    Column("amount", Integer, nullable=False),
    Column("currency", String, nullable=False),
    Column("country", String, nullable=False),
    Column("recipient_id", String, nullable=False),
    Column("recipient_name", String),
    Column("channel", String, nullable=False),
    Column("institution", String, nullable=False),  # its code
    Column("ending", String, nullable=False),  # of the account or telephone number: the last four characters, no more
    Column("status", String, nullable=False),
    Column("plan", String, nullable=False),  # a name of outcomes.PLANS
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("due", Integer),  # when its next status comes; none when there is no next
    Column("webhook_url", String),
    UniqueConstraint("account", "reference"),
    Index("ix_startbutton_transfers_due", "due"),
)

#: Webhooks on their way. A row is deleted when its webhook was taken, or is given up.
outbox = Table(
    "startbutton_outbox",
    metadata,
    Column("id", Integer, primary_key=True),  # in the order in which things happened
    Column("transfer", String, ForeignKey("startbutton_transfers.id"), nullable=False),
    Column("event", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Integer, nullable=False),
    Index("ix_startbutton_outbox_transfer", "transfer", "id"),
    sqlite_autoincrement=True,
)
