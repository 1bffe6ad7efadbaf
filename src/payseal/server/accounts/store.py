"""Accounts: made, listed, switched, disabled, and where their requests may come from. Each change is in the audit trail."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from payseal.errors import CredentialError
from payseal.server.accounts import audit, tables
from payseal.server.accounts.changes import change
from payseal.server.accounts.database import Database
from payseal.server.accounts.records import SWITCHES, Account, AuditEntry, network

__all__ = ["AccountStore", "read_accounts"]

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


class AccountStore:
    """The accounts in a database. ``clock`` gives seconds since the epoch. Everything raises `DatabaseError` when that cannot be asked."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, id: str, title: str = "", *, actor: str) -> Account:
        """Make an account. ``id`` is lower-case letters, digits and hyphens. Raises `CredentialError` when it is not, or is taken."""
        if not _ID.fullmatch(id):
            raise CredentialError("an account's id is 1 to 64 lower-case letters, digits and hyphens, such as acme-shop")
        title = title or id
        if len(title) > 200 or not title.isprintable():
            raise CredentialError("an account's title is printable text of up to 200 characters")
        with change(self._database, actor, self._clock()) as made:
            if made.connection.execute(select(tables.accounts.c.id).where(tables.accounts.c.id == id)).first() is not None:
                raise CredentialError(f"there is an account {id!r} already")
            made.connection.execute(insert(tables.accounts).values(id=id, title=title, created=made.now))
            made.record("account.create", account=id, title=title)
        return self.get(id)

    def list(self) -> list[Account]:
        """Every account, by id."""
        with self._database.read() as connection:
            return read_accounts(connection)

    def get(self, id: str) -> Account:
        """That account. Raises `CredentialError` when there is none."""
        with self._database.read() as connection:
            found = read_accounts(connection, [id])
        if not found:
            raise CredentialError(f"there is no account {id[:64]!r}: payseal accounts list shows those there are")
        return found[0]

    def set_disabled(self, id: str, disabled: bool, *, actor: str) -> None:
        """Refuse every request of an account, or take them again. Raises `CredentialError` when there is no such account."""
        with change(self._database, actor, self._clock()) as made:
            made.require_account(id)
            made.connection.execute(
                update(tables.accounts).where(tables.accounts.c.id == id).values(disabled=made.now if disabled else None)
            )
            made.record("account.disable" if disabled else "account.enable", account=id)

    def switch(self, id: str, name: str, value: bool, *, actor: str) -> None:
        """Turn one of `SWITCHES` on or off. Raises `CredentialError` for a name or an account that is not known."""
        if name not in SWITCHES:
            raise CredentialError(f"there is no switch of that name; there are: {', '.join(SWITCHES)}")
        with change(self._database, actor, self._clock()) as made:
            made.require_account(id)
            made.connection.execute(delete(tables.switches).where(tables.switches.c.account == id, tables.switches.c.name == name))
            made.connection.execute(insert(tables.switches).values(account=id, name=name, value=value))
            made.record("account.switch", account=id, name=name, value=value)

    def allow_ip(self, id: str, cidr: str, *, actor: str) -> None:
        """Put a network on the allow-list. With the first one, every other address is refused. Raises `CredentialError`."""
        text = str(network(cidr))
        with change(self._database, actor, self._clock()) as made:
            made.require_account(id)
            where = tables.networks.c.account == id, tables.networks.c.cidr == text
            if made.connection.execute(select(tables.networks).where(*where)).first() is not None:
                raise CredentialError(f"{text} is on the allow-list already")
            made.connection.execute(insert(tables.networks).values(account=id, cidr=text))
            made.record("account.allow-ip", account=id, cidr=text)

    def remove_ip(self, id: str, cidr: str, *, actor: str) -> None:
        """Take a network off the allow-list. With the last one gone, every address is taken. Raises `CredentialError`."""
        text = str(network(cidr))
        with change(self._database, actor, self._clock()) as made:
            made.require_account(id)
            where = tables.networks.c.account == id, tables.networks.c.cidr == text
            if made.connection.execute(delete(tables.networks).where(*where)).rowcount != 1:
                raise CredentialError(f"{text} is not on the allow-list")
            made.record("account.remove-ip", account=id, cidr=text)

    def audit(self, *, account: str | None = None, before: int | None = None, limit: int = 100) -> Iterable[AuditEntry]:
        """The audit trail, the newest first: `payseal.server.accounts.audit.entries`."""
        with self._database.read() as connection:
            return audit.entries(connection, account=account, before=before, limit=limit)


def read_accounts(connection: Connection, ids: Iterable[str] | None = None) -> list[Account]:
    """Those accounts, or all of them, by id, with their switches and networks."""
    chosen = None if ids is None else tuple(ids)

    def rows(table: Any, column: Any) -> Any:
        query = select(table) if chosen is None else select(table).where(column.in_(chosen))
        return connection.execute(query)

    switches: dict[str, dict[str, bool]] = {}
    for row in rows(tables.switches, tables.switches.c.account):
        if row.name in SWITCHES:  # a later version may have had others
            switches.setdefault(row.account, {})[row.name] = row.value
    networks: dict[str, list[str]] = {}
    for row in rows(tables.networks, tables.networks.c.account):
        networks.setdefault(row.account, []).append(row.cidr)
    defaults = {name: switch.default for name, switch in SWITCHES.items()}
    found = [
        Account(
            row.id,
            row.title,
            row.created,
            row.disabled,
            {**defaults, **switches.get(row.id, {})},
            tuple(network(each) for each in sorted(networks.get(row.id, ()))),
        )
        for row in rows(tables.accounts, tables.accounts.c.id)
    ]
    return sorted(found, key=lambda account: account.id)
