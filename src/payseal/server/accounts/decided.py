"""Reading the decision log: the newest decisions of a choice of them, and how many there were of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, or_, select

from payseal.middleware.decision import ACCEPTED, ANSWERED_AGAIN
from payseal.server.accounts import tables
from payseal.server.accounts.database import Database

__all__ = ["Chosen", "Tally", "by_trace", "following", "latest", "newest_id", "tally"]

_MOST: Final = 10_000
_column: Final = tables.decisions.c


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which decisions. ``account`` are those proven to be its own; with ``keyids`` also the unproven ones that name one of these keys.
    ``refused`` are those that were neither accepted nor answered again."""

    account: str | None = None
    keyids: Collection[str] = ()
    scheme: str | None = None
    code: str | None = None
    keyid: str | None = None
    refused: bool = False

    def clauses(self) -> list[ColumnElement[bool]]:
        """For a WHERE."""
        found: list[ColumnElement[bool]] = []
        if self.account is not None:
            own = _column.account == self.account
            unproven = and_(_column.account.is_(None), _column.keyid.in_(self.keyids))
            found.append(or_(own, unproven) if self.keyids else own)
        for column, value in ((_column.scheme, self.scheme), (_column.code, self.code), (_column.keyid, self.keyid)):
            if value is not None:
                found.append(column == value)
        if self.refused:
            found.append(_column.code.not_in((ACCEPTED, ANSWERED_AGAIN)))
        return found


@dataclass(frozen=True, slots=True)
class Tally:
    """How many decisions there were, and how long they took. Latencies are microseconds; ``None`` where there was no decision."""

    accepted: int
    again: int
    refused: int
    #: (code, how many), the most frequent first.
    codes: list[tuple[str, int]]
    #: minute since the epoch → (accepted or answered again, refused)
    minutes: Mapping[int, tuple[int, int]]
    median: int | None
    slow: int | None


def latest(database: Database, chosen: Chosen | None = None, *, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """The newest decisions first, up to ``limit`` (10 000 at most), as rows of the table; with ``before`` those with an id below it.

    Raises `DatabaseError`.
    """
    query = select(tables.decisions).where(*(chosen or Chosen()).clauses()).order_by(_column.id.desc()).limit(min(limit, _MOST))
    if before is not None:
        query = query.where(_column.id < before)
    return _rows(database, query)


def following(database: Database, chosen: Chosen, *, after: int, limit: int = 100) -> list[dict[str, Any]]:
    """The decisions with an id above ``after``, the oldest first: whoever goes on after the last of them misses none.

    Up to ``limit`` (10 000 at most). Raises `DatabaseError`.
    """
    where = [*chosen.clauses(), _column.id > after]
    query = select(tables.decisions).where(*where).order_by(_column.id).limit(min(limit, _MOST))
    return _rows(database, query)


def newest_id(database: Database) -> int:
    """The id of the newest decision; 0 before the first. Raises `DatabaseError`."""
    with database.read() as connection:
        return connection.execute(select(func.max(_column.id))).scalar() or 0


def _rows(database: Database, query: Select[Any]) -> list[dict[str, Any]]:
    with database.read() as connection:
        result = connection.execute(query)
        names = tuple(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result]  # half the time of its own mappings: there may be ten thousand


def tally(database: Database, chosen: Chosen, *, since: float) -> Tally:
    """The decisions from ``since`` (seconds since the epoch) on, counted. Raises `DatabaseError`."""
    where = [*chosen.clauses(), _column.at >= since]
    minute = cast(func.floor(_column.at / 60), Integer)
    refused = func.sum(case((_column.code.in_((ACCEPTED, ANSWERED_AGAIN)), 0), else_=1))
    with database.read() as connection:
        codes_of = select(_column.code, func.count()).where(*where).group_by(_column.code)
        counted = {row[0]: int(row[1]) for row in connection.execute(codes_of)}
        minutes = connection.execute(select(minute, func.count(), refused).where(*where).group_by(minute)).all()
        total = sum(counted.values())

        def quantile(part: float) -> int | None:
            query = select(_column.latency).where(*where).order_by(_column.latency).offset(min(int(total * part), total - 1)).limit(1)
            return connection.execute(query).scalar() if total else None

        median, slow = quantile(0.5), quantile(0.99)
    accepted, again = counted.pop(ACCEPTED, 0), counted.pop(ANSWERED_AGAIN, 0)
    codes = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    by_minute = {int(at): (int(count - bad), int(bad)) for at, count, bad in minutes}
    return Tally(accepted, again, sum(counted.values()), codes, by_minute, median, slow)


def by_trace(database: Database, trace: str) -> dict[str, Any] | None:
    """The decision of that trace. Raises `DatabaseError`."""
    if len(trace) > 36:
        return None
    with database.read() as connection:
        row = (
            connection.execute(select(tables.decisions).where(_column.trace == trace).order_by(_column.id.desc()).limit(1))
            .mappings()
            .first()
        )
    return dict(row) if row is not None else None
