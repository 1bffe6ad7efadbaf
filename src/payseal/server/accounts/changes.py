"""One change: a transaction that counts the revision up first, so that changes happen one after another and every cache sees each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from payseal.errors import CredentialError
from payseal.server.accounts import audit, tables
from payseal.server.accounts.database import Database

__all__ = ["Change", "change"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a change is made with."""

    connection: Connection
    actor: str
    #: Seconds since the epoch.
    now: float
    _revision: int

    def record(self, action: str, *, account: str | None = None, keyid: str | None = None, **detail: Any) -> None:
        """Write the audit line, and mark the account as changed."""
        audit.write(self.connection, at=self.now, actor=self.actor, action=action, account=account, keyid=keyid, **detail)
        if account is not None:
            self.connection.execute(update(tables.accounts).where(tables.accounts.c.id == account).values(revision=self._revision))

    def require_account(self, account: str) -> None:
        """Raises `CredentialError` when there is no such account."""
        if self.connection.execute(select(tables.accounts.c.id).where(tables.accounts.c.id == account)).first() is None:
            raise CredentialError(f"there is no account {account[:64]!r}: payseal accounts list shows those there are")


@contextmanager
def change(database: Database, actor: str, now: float) -> Iterator[Change]:
    """A transaction for one change, whole or not at all. Raises `DatabaseError`."""
    with database.write() as connection:
        # The row's lock is held to the end: the next change begins when this one is there to be seen, and numbers appear in order.
        counted = update(tables.revision).values(number=tables.revision.c.number + 1).returning(tables.revision.c.number)
        yield Change(connection, actor, now, connection.execute(counted).scalar_one())
