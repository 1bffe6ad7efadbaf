"""The decision log; when an account last changed, so that a cache loads that one alone; a label for each credential."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a table and two columns; every account there is counts as changed just now."""
    op.add_column("accounts", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_accounts_revision", "accounts", ["revision"])
    op.execute("UPDATE revision SET number = number + 1")
    op.execute("UPDATE accounts SET revision = (SELECT number FROM revision)")
    op.add_column("credentials", sa.Column("label", sa.String(200), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("scheme", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64)),
        sa.Column("keyid", sa.String(64)),
        sa.Column("request_id", sa.String(128)),
        sa.Column("client", sa.String(45)),
        sa.Column("latency", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_at", "decisions", ["at"])
