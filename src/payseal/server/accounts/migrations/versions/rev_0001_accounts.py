"""Accounts, credentials, secrets, switches, networks, the change counter, and the audit trail with its triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_RAISE = "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
_TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_RAISE}",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_RAISE}",
        # INSERT OR REPLACE deletes without asking the trigger above.
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN NEW.id <= (SELECT max(id) FROM audit) AND NEW.id > 0 {_RAISE}",  # noqa: S608 - a constant
    ),
    "postgresql": (
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ),
}


def upgrade() -> None:
    """Make the first tables."""
    serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("disabled", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "switches",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="pk_switches"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_switches_account"),
    )
    op.create_table(
        "networks",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("cidr", sa.String(43), nullable=False),
        sa.PrimaryKeyConstraint("account", "cidr", name="pk_networks"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_networks_account"),
    )
    op.create_table(
        "credentials",
        sa.Column("keyid", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("scheme", sa.String(64), nullable=False),
        sa.Column("overrides", sa.Text, nullable=False),
        sa.Column("allow_unkeyed", sa.Boolean, nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(32)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("not_after", sa.Double),
        sa.Column("revoked", sa.Double),
        sa.PrimaryKeyConstraint("keyid", name="pk_credentials"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_credentials_account"),
        sa.UniqueConstraint("token_sha256", name="uq_credentials_token_sha256"),
    )
    op.create_index("ix_credentials_account", "credentials", ["account"])
    op.create_table(
        "secrets",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("keyid", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_with", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("not_after", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.ForeignKeyConstraint(["keyid"], ["credentials.keyid"], name="fk_secrets_keyid"),
        sa.CheckConstraint("kind IN ('secret', 'token')", name=op.f("ck_secrets_kind")),
    )
    op.create_index("ix_secrets_keyid", "secrets", ["keyid"])
    op.create_index("ix_secrets_sealed_with", "secrets", ["sealed_with"])
    counter = op.create_table(
        "revision",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.CheckConstraint("id = 1", name=op.f("ck_revision_one")),
    )
    op.bulk_insert(counter, [{"id": 1, "number": 0}])
    op.create_table(
        "audit",
        sa.Column("id", serial, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64)),
        sa.Column("keyid", sa.String(64)),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_account", "audit", ["account"])
    for statement in _TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)
