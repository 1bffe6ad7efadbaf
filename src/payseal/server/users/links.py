"""One-time links: whoever has one is let in, once, and soon."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import delete, insert, select

from payseal.server.accounts import tables
from payseal.server.accounts.database import Database
from payseal.server.accounts.issuing import token_digest
from payseal.server.users import rows
from payseal.server.users.errors import UserError
from payseal.server.users.records import User
from payseal.server.users.sessions import MAX_TOKEN

__all__ = ["LinkStore"]

#: Seconds that a link lasts at most.
_LONGEST: Final = 86_400.0
#: Expired rows that one new link deletes at most.
_TIDIED: Final = 100

_column: Final = tables.links.c


class LinkStore:
    """The links in a database, which has their tokens' digests. ``clock`` gives seconds since the epoch.

    Everything raises `DatabaseError` when the database cannot be asked.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def issue(self, user_id: int, *, ttl: float = 900.0, actor: str) -> str:
        """The token of a new link, good for ``ttl`` seconds (a day at most). Raises `UserError` for a user who cannot be let in."""
        if not 0 < ttl <= _LONGEST:
            raise UserError(f"a link lasts for a number of seconds up to {_LONGEST:.0f} (a day)")
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._database.write() as connection:
            row = rows.by_id(connection, user_id, lock=True)
            if row is None or row.disabled is not None:
                raise UserError("this user was disabled, or is not there: payseal users list shows it")
            old = select(_column.token_sha256).where(_column.expires <= now).limit(_TIDIED).with_for_update(skip_locked=True)
            connection.execute(delete(tables.links).where(_column.token_sha256.in_(old)))
            made = {"token_sha256": token_digest(token), "user_id": row.id, "created": now, "expires": now + ttl}
            connection.execute(insert(tables.links).values(made))
            rows.record(connection, "link.issue", row, at=now, actor=actor, seconds=ttl)
        return token

    def redeem(self, token: str) -> User | None:
        """The user that the link lets in; ``None`` when it is unknown, was used, is over, or its user is disabled. Of two at once, one is let in."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        now = self._clock()
        with self._database.write() as connection:
            # Used up by being deleted: the second of two waits for the first, and finds nothing.
            mine = _column.token_sha256 == token_digest(token), _column.expires > now
            owner = connection.execute(delete(tables.links).where(*mine).returning(_column.user_id)).scalar()
            row = None if owner is None else rows.by_id(connection, owner)
            if row is None or row.disabled is not None:
                return None
            rows.record(connection, "link.redeem", row, at=now)
            return rows.user_of(row)
