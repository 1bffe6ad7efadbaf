"""The people who may use the console: users, their sessions and one-time links, and what is counted when they sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add five tables; those that are there stay as they are."""
    serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "users",
        sa.Column("id", serial, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("account", sa.String(64)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("disabled", sa.Double),
        sa.Column("password", sa.Text),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_users_account"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sa.CheckConstraint("role IN ('operator', 'merchant')", name=op.f("ck_users_role")),
        sa.CheckConstraint("(role = 'merchant') = (account IS NOT NULL)", name=op.f("ck_users_account")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", serial, primary_key=True, autoincrement=True),
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("csrf", sa.String(43), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("client", sa.String(45)),
        sa.Column("agent", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.UniqueConstraint("token_sha256", name="uq_sessions_token_sha256"),
        sqlite_autoincrement=True,
    )
    for column in ("user_id", "seen", "created"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    op.create_table(
        "links",
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_links"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_links_user_id"),
    )
    for column in ("user_id", "expires"):
        op.create_index(f"ix_links_{column}", "links", [column])
    op.create_table(
        "sign_in_counters",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failed", sa.Double, nullable=False, server_default="0"),
        sa.Column("trying", sa.Integer, nullable=False, server_default="0"),
        sa.Column("began", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_counters"),
    )
    op.create_table(
        "sign_in_places",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("client", sa.String(45), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", "client", name="pk_sign_in_places"),
    )
