"""A user as a row: found, locked, signed out, and named in the audit trail."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from payseal.server.accounts import audit, tables
from payseal.server.users.records import User

__all__ = ["by_id", "by_name", "insert_unless_there", "is_id", "record", "sign_out", "user_of"]

#: The largest number that an id's column holds.
_LARGEST: Final = 2**63 - 1
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def is_id(number: int) -> bool:
    """Whether a number can be an id: what no column holds may not even be asked for."""
    return 0 < number <= _LARGEST


def by_name(connection: Connection, name: str) -> Row[Any] | None:
    """The row of that name, which is one (`name_in`)."""
    return connection.execute(select(tables.users).where(tables.users.c.name == name)).first()


def by_id(connection: Connection, id: int, *, lock: bool = False) -> Row[Any] | None:
    """The row of that id; with ``lock``, nobody else changes it before this transaction ends."""
    if not is_id(id):
        return None
    query = select(tables.users).where(tables.users.c.id == id)
    return connection.execute(query.with_for_update() if lock else query).first()


def user_of(row: Row[Any]) -> User:
    """The user that a row is."""
    return User(row.id, row.name, row.role, row.account, row.created, row.disabled, row.password is not None)


def sign_out(connection: Connection, id: int) -> int:
    """End every session of a user and every link for it; returns how many sessions."""
    connection.execute(delete(tables.links).where(tables.links.c.user_id == id))
    return connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == id)).rowcount


def record(connection: Connection, action: str, user: Row[Any], *, at: float, actor: str | None = None, **detail: Any) -> None:
    """Add a line about a user to the audit trail; without an ``actor`` it is the user itself. Raises `CredentialError` for an empty one.

    No cache of accounts is told: none of them knows users.
    """
    actor = f"user:{user.name}" if actor is None else actor
    audit.write(connection, at=at, actor=actor, action=action, account=user.account, user=user.name, **detail)


def insert_unless_there(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row unless one of its unique values is taken; whether it was. Where two do it at once, one waits for the other."""
    statement = _INSERT[connection.dialect.name](table).values(row).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
