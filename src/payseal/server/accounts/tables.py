"""The tables, as they are after the newest migration. A test holds the two against each other.

Times are seconds since the epoch. Nothing here is a secret in the clear: secrets and tokens are sealed by the key ring, and a token's
SHA-256 stands beside it so that it can be found.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

__all__ = [
    "accounts",
    "audit",
    "credentials",
    "decisions",
    "links",
    "metadata",
    "networks",
    "revision",
    "secrets",
    "sessions",
    "sign_in_counters",
    "sign_in_places",
    "switches",
    "users",
]

#: Names for what has none, so that a migration can speak of it on either database.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

#: Counts up by itself: SQLite does that for INTEGER alone.
_Serial: Final = BigInteger().with_variant(Integer, "sqlite")

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("created", Double, nullable=False),
    Column("disabled", Double),  # since when
    # The number in `revision` when the account, or anything that belongs to it, last changed: what a cache loads again.
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Index(None, "revision"),
)

switches = Table(
    "switches",
    metadata,
    Column("account", String(64), ForeignKey("accounts.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Boolean, nullable=False),
)

networks = Table(
    "networks",
    metadata,
    Column("account", String(64), ForeignKey("accounts.id"), primary_key=True),
    Column("cidr", String(43), primary_key=True),
)

credentials = Table(
    "credentials",
    metadata,
    Column("keyid", String(64), primary_key=True),
    Column("account", String(64), ForeignKey("accounts.id"), nullable=False),
    Column("label", String(200), nullable=False, server_default=text("''")),
    Column("scheme", String(64), nullable=False),  # a name of the catalogue
    Column("overrides", Text, nullable=False),  # JSON
    Column("allow_unkeyed", Boolean, nullable=False),
    Column("token_sha256", LargeBinary(32), unique=True),
    Column("created", Double, nullable=False),
    Column("not_after", Double),
    Column("revoked", Double),
    Index(None, "account"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("keyid", String(64), ForeignKey("credentials.keyid"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_with", String(32), nullable=False),  # the master key's id
    Column("created", Double, nullable=False),
    Column("not_after", Double),  # the end of an overlap
    CheckConstraint("kind IN ('secret', 'token')", name="kind"),
    Index(None, "keyid"),
    Index(None, "sealed_with"),
)

#: One row, counted up by every transaction that changes what a cache holds.
revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

#: Append-only: triggers refuse UPDATE and DELETE.
audit = Table(
    "audit",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("account", String(64)),
    Column("keyid", String(64)),
    Column("detail", Text, nullable=False),  # JSON, without secrets
    Index(None, "account"),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("code", String(32), nullable=False),
    Column("status", Integer),
    Column("scheme", String(64), nullable=False),
    Column("account", String(64)),
    Column("keyid", String(64)),
    Column("request_id", String(128)),
    Column("client", String(45)),
    Column("latency", Integer, nullable=False),  # microseconds
    Column("trace", String(36)),
    Index(None, "at"),
    Index(None, "account"),
    Index(None, "trace"),
    sqlite_autoincrement=True,
)

#: Who may use the console.
users = Table(
    "users",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("account", String(64), ForeignKey("accounts.id")),
    Column("created", Double, nullable=False),
    Column("disabled", Double),  # since when
    Column("password", Text),  # its Argon2id hash, with parameters and salt
    CheckConstraint("role IN ('operator', 'merchant')", name="role"),
    CheckConstraint("(role = 'merchant') = (account IS NOT NULL)", name="account"),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("token_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("csrf", String(43), nullable=False),
    Column("created", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("client", String(45)),
    Column("agent", String(120), nullable=False),
    Index(None, "user_id"),
    Index(None, "seen"),
    Index(None, "created"),
    sqlite_autoincrement=True,
)

#: One-time links that nobody has used yet.
links = Table(
    "links",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires"),
)

#: Tries to sign in that failed, and those under way, by what they are counted under.
sign_in_counters = Table(
    "sign_in_counters",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failed", Double, nullable=False, server_default="0"),  # when, last
    Column("trying", Integer, nullable=False, server_default="0"),
    Column("began", Double, nullable=False),  # when, last
)

#: The addresses that a user has signed in from.
sign_in_places = Table(
    "sign_in_places",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("client", String(45), primary_key=True),
    Column("at", Double, nullable=False),
)
