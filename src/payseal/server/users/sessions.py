"""Sessions: who is signed in. The token is the browser's alone; the database has its digest, which opens nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from payseal.server.accounts import tables
from payseal.server.accounts.database import Database
from payseal.server.accounts.issuing import token_digest
from payseal.server.users import rows
from payseal.server.users.errors import UserError
from payseal.server.users.records import ListedSession, Session, User

__all__ = ["SessionStore"]

#: Characters of a token at most. What is longer is none.
MAX_TOKEN: Final = 100
_MAX_CLIENT: Final = 45
_MAX_AGENT: Final = 120
#: Seconds that `seen` may lag behind, so that most requests only read.
_SEEN_EVERY: Final = 60.0
#: Expired rows that one sign-in deletes at most.
_TIDIED: Final = 100

_column: Final = tables.sessions.c


class SessionStore:
    """The sessions in a database. One ends ``idle`` seconds after it was last used, and ``longest`` after it was begun.

    ``clock`` gives seconds since the epoch. Everything raises `DatabaseError` when the database cannot be asked.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], float] = time.time, idle: float = 7200.0, longest: float = 43_200.0
    ) -> None:
        if not 0 < idle <= longest:
            raise ValueError("a session is idle for some seconds at most, and lasts at least as long")
        self._database, self._clock = database, clock
        self._idle, self._longest = idle, longest
        self._seen_every = min(_SEEN_EVERY, idle / 10)

    def begin(self, user: User, *, client: str | None, agent: str) -> str:
        """Sign a user in; returns the token, which is in no database and is not shown again.

        ``client`` is the address it comes from, ``agent`` what the browser calls itself. Raises `UserError` when the user was disabled.
        """
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._database.write() as connection:
            row = rows.by_id(connection, user.id, lock=True)
            if row is None or row.disabled is not None:
                raise UserError("this user was disabled: an operator can enable it (payseal users enable)")
            self._tidy(connection, now)
            connection.execute(
                insert(tables.sessions).values(
                    token_sha256=token_digest(token),
                    user_id=row.id,
                    csrf=secrets.token_urlsafe(32),
                    created=now,
                    seen=now,
                    client=None if client is None else _plain(client, _MAX_CLIENT),
                    agent=_plain(agent, _MAX_AGENT),
                )
            )
            rows.record(connection, "session.begin", row, at=now, client=None if client is None else _plain(client, _MAX_CLIENT))
        return token

    def find(self, token: str) -> Session | None:
        """The session of that token; ``None`` when there is none, it is over, or its user is disabled."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        with self._database.read() as connection:
            row = connection.execute(select(tables.sessions).where(_column.token_sha256 == token_digest(token))).first()
            owner = None if row is None else rows.by_id(connection, row.user_id)
        now = self._clock()
        if row is None or owner is None or owner.disabled is not None or now >= self._end(row.created, row.seen):
            return None
        seen = row.seen
        if now - seen >= self._seen_every:
            seen = now
            # Of several at once, one writes.
            with self._database.write() as connection:
                connection.execute(update(tables.sessions).where(_column.id == row.id, _column.seen == row.seen).values(seen=now))
        return Session(row.id, rows.user_of(owner), row.csrf, row.created, seen, self._end(row.created, seen))

    def end(self, token: str) -> None:
        """End the session of that token, if there is one."""
        if 0 < len(token) <= MAX_TOKEN:
            self._end_where(_column.token_sha256 == token_digest(token), None)

    def end_one(self, user_id: int, session_id: int, *, actor: str | None = None) -> None:
        """End a session of that user, if it is one. The ``actor`` is the user when left out."""
        if rows.is_id(user_id) and rows.is_id(session_id):
            self._end_where((_column.id == session_id) & (_column.user_id == user_id), actor)

    def end_all(self, user_id: int, *, keep: str | None = None, actor: str | None = None) -> int:
        """End every session of a user but that of the token ``keep``; returns how many. The ``actor`` is the user when left out."""
        with self._database.write() as connection:
            owner = rows.by_id(connection, user_id, lock=True)
            if owner is None:
                return 0
            chosen = _column.user_id == owner.id
            if keep is not None:
                chosen &= _column.token_sha256 != token_digest(keep)
            ended = connection.execute(delete(tables.sessions).where(chosen)).rowcount
            rows.record(connection, "session.end_all", owner, at=self._clock(), actor=actor, sessions_ended=ended)
        return ended

    def tidy(self) -> int:
        """Delete expired sessions, a bounded number of them; returns how many. Signing in does it too."""
        with self._database.write() as connection:
            return self._tidy(connection, self._clock())

    def list(self, user_id: int) -> list[ListedSession]:
        """The sessions of a user that are not over, the one used last first."""
        if not rows.is_id(user_id):
            return []
        query = select(tables.sessions).where(_column.user_id == user_id, ~self._over(self._clock()))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(_column.seen.desc(), _column.id.desc())).all()
        return [ListedSession(row.id, row.created, row.seen, row.client, row.agent) for row in found]

    def _end(self, created: float, seen: float) -> float:
        return min(seen + self._idle, created + self._longest)

    def _over(self, now: float) -> ColumnElement[bool]:
        return or_(_column.seen <= now - self._idle, _column.created <= now - self._longest)

    def _end_where(self, chosen: ColumnElement[bool], actor: str | None) -> None:
        with self._database.write() as connection:
            owner = connection.execute(delete(tables.sessions).where(chosen).returning(_column.user_id)).scalar()
            row: Row[Any] | None = None if owner is None else rows.by_id(connection, owner)
            if row is not None:
                rows.record(connection, "session.end", row, at=self._clock(), actor=actor)

    def _tidy(self, connection: Connection, now: float) -> int:
        # Rows that another transaction is busy with are left to it: two that tidy at once never wait for each other.
        chosen = select(_column.id).where(self._over(now)).order_by(_column.id).limit(_TIDIED).with_for_update(skip_locked=True)
        return connection.execute(delete(tables.sessions).where(_column.id.in_(chosen))).rowcount


def _plain(text: str, longest: int) -> str:
    """Text from outside as a column takes it: so long at most, without what no database or terminal should be given."""
    return "".join(each if each.isprintable() else "?" for each in text[:longest])
