"""Users: made, listed, given a password, disabled; and whether a password is theirs. Each change is in the audit trail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from payseal.server.accounts import tables
from payseal.server.accounts.database import Database
from payseal.server.users import passwords, rows
from payseal.server.users.errors import UserError
from payseal.server.users.records import ROLES, Role, User, name_in, parsed_name

__all__ = ["UserStore"]


class UserStore:
    """The users in a database. ``clock`` gives seconds since the epoch.

    Everything raises `DatabaseError` when the database cannot be asked. Every change names its ``actor``, such as ``cli:operator``, and
    raises `CredentialError` when that is empty.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, role: Role, account: str | None = None, *, actor: str) -> User:
        """Make a user without a password. A merchant has an account, an operator has none. Raises `UserError`."""
        name = parsed_name(name)
        if role not in ROLES:
            raise UserError(f"a user's role is one of: {', '.join(ROLES)}")
        if (role == "merchant") != (account is not None):
            raise UserError(
                "a merchant belongs to an account: name it" if account is None else "an operator belongs to no account: name none"
            )
        with self._database.write() as connection:
            if account is not None:
                _require_account(connection, account)
            now = self._clock()
            if not rows.insert_unless_there(connection, tables.users, {"name": name, "role": role, "account": account, "created": now}):
                raise UserError("there is a user of that name already: choose another name")
            row = _found(connection, name)
            rows.record(connection, "user.create", row, at=now, actor=actor, role=role)
            return rows.user_of(row)

    def get(self, name: str) -> User:
        """That user. Raises `UserError` when there is none."""
        with self._database.read() as connection:
            return rows.user_of(_found(connection, name))

    def by_id(self, id: int) -> User | None:
        """The user of that id, or ``None``."""
        with self._database.read() as connection:
            row = rows.by_id(connection, id)
        return None if row is None else rows.user_of(row)

    def set_password(self, name: str, password: str, *, actor: str) -> None:
        """Give a user a new password; every session and link of theirs ends. Raises `UserError` for one that is not taken."""
        user = self.get(name)
        passwords.check(password, user.name)
        self._change("user.password", user.name, {"password": passwords.hashed(password)}, actor, sign_out=True)

    def verify_password(self, name: str, password: str) -> User | None:
        """The user whose name and password these are.

        ``None`` for anything else, at the cost of one computation each: a wrong password, a user who is not there, is disabled or has no
        password, a text that could be neither.
        """
        known = name_in(name)
        row = None
        if known is not None:
            with self._database.read() as connection:
                row = rows.by_name(connection, known)
        kept = None if row is None or row.disabled is not None else row.password
        if not passwords.matches(kept, password) or row is None or kept is None:
            return None
        if passwords.outdated(kept):
            self._renew(row, passwords.hashed(password))
        return rows.user_of(row)

    def disable(self, name: str, actor: str) -> None:
        """Let nobody in under that name; every session and link of theirs ends. Raises `UserError` when there is no such user."""
        self._change("user.disable", name, {"disabled": self._clock()}, actor, sign_out=True)

    def enable(self, name: str, actor: str) -> None:
        """Let that user in again. Raises `UserError` when there is no such user."""
        self._change("user.enable", name, {"disabled": None}, actor)

    def list(self) -> list[User]:
        """Every user, by name."""
        with self._database.read() as connection:
            return [rows.user_of(row) for row in connection.execute(select(tables.users).order_by(tables.users.c.name))]

    def _change(
        self,
        action: Literal["user.password", "user.disable", "user.enable"],
        name: str,
        values: dict[str, Any],
        actor: str,
        *,
        sign_out: bool = False,
    ) -> None:
        with self._database.write() as connection:
            row = _found(connection, name)
            # The row's lock first: a session that is being begun is there to be ended, or finds the user changed.
            connection.execute(update(tables.users).where(tables.users.c.id == row.id).values(values))
            detail = {"sessions_ended": rows.sign_out(connection, row.id)} if sign_out else {}
            rows.record(connection, action, row, at=self._clock(), actor=actor, **detail)

    def _renew(self, row: Row[Any], kept: str) -> None:
        """Keep the same password under today's parameters, unless it was changed meanwhile."""
        same = tables.users.c.id == row.id, tables.users.c.password == row.password
        with self._database.write() as connection:
            connection.execute(update(tables.users).where(*same).values(password=kept))


def _found(connection: Connection, name: str) -> Row[Any]:
    known = name_in(name)
    row = None if known is None else rows.by_name(connection, known)
    if row is None:
        raise UserError("there is no user of that name: payseal users list shows those there are")
    return row


def _require_account(connection: Connection, account: str) -> None:
    query = select(tables.accounts.c.id).where(tables.accounts.c.id == account)
    if not account.isprintable() or connection.execute(query).first() is None:
        raise UserError("there is no account of that id: payseal accounts list shows those there are")
