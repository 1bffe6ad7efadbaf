"""The audit trail: who did what, when. Written in the transaction of what it tells of; the database itself refuses to change it."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from payseal.errors import CredentialError
from payseal.server.accounts import tables
from payseal.server.accounts.records import AuditEntry

__all__ = ["entries", "write"]

_MOST: Final = 1000


def write(
    connection: Connection, *, at: float, actor: str, action: str, account: str | None = None, keyid: str | None = None, **detail: Any
) -> None:
    """Add a line. ``actor`` is whoever the caller knows it to be, such as ``cli:operator``. Raises `CredentialError` without one."""
    if not actor or len(actor) > 200 or not actor.isprintable():
        raise CredentialError("a change needs an actor: printable text of up to 200 characters, such as cli:operator")
    row = {"at": at, "actor": actor, "action": action, "account": account, "keyid": keyid, "detail": json.dumps(detail, sort_keys=True)}
    connection.execute(insert(tables.audit), row)


def entries(connection: Connection, *, account: str | None = None, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
    """The newest lines first, up to ``limit`` (1000 at most); ``before`` an id goes on where the last page ended."""
    query = select(tables.audit).order_by(tables.audit.c.id.desc()).limit(min(limit, _MOST))
    if account is not None:
        query = query.where(tables.audit.c.account == account)
    if before is not None:
        query = query.where(tables.audit.c.id < before)
    return [
        AuditEntry(row.id, row.at, row.actor, row.action, row.account, row.keyid, json.loads(row.detail))
        for row in connection.execute(query)
    ]
