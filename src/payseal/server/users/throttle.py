"""How long the next try to sign in has to wait: the more failures there were for a name, or from an address, the longer.

Everybody's tries for a name count together, so that a guesser with many addresses is slowed down too. That would let anyone keep a user
out by failing on purpose; so whoever has signed in from an address before is counted apart there, and what others do elsewhere does not
matter. A try counts from the moment it is let through: a hundred at once are not looked at before the first has failed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from payseal.server.accounts import audit, tables
from payseal.server.accounts.database import Database
from payseal.server.users import rows
from payseal.server.users.records import name_in

__all__ = ["RULES", "Rule", "Throttle"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What failures cost. Times are seconds."""

    #: So many cost nothing; each one after them doubles the wait, which begins with two seconds.
    free: int
    longest: float = 900.0
    #: With so long a time without a failure, all are forgotten.
    forgotten: float = 3600.0

    def delay(self, failures: int) -> float:
        """How long after the last of so many failures the next try is looked at."""
        over = min(failures - self.free, 30)
        return min(2.0**over, self.longest) if over > 0 else 0.0


RULES: Final[dict[str, Rule]] = {
    "name": Rule(5),  # a user's name, tried from anywhere
    "place": Rule(5),  # a name, tried from an address that it was signed in from
    "client": Rule(20),  # an address, whatever names it tries
}
#: How long (seconds) an address is one that its user was signed in from, and how many of them a user has at most.
_KNOWN_FOR: Final = 30 * 86_400.0
_MOST_PLACES: Final = 50
#: A try without an outcome is forgotten after so many seconds.
_UNDER_WAY: Final = 60.0
#: Counters that are kept, and that one transaction deletes, at most.
_MOST: Final = 10_000
_TIDIED: Final = 100
#: What an IPv6 subscriber is given at least.
_PREFIX: Final = 64
_ACTOR: Final = "sign-in"

_counter: Final = tables.sign_in_counters.c
_place: Final = tables.sign_in_places.c


class _Key(NamedTuple):
    kind: str  # of RULES
    text: str


@dataclass(frozen=True, slots=True)
class _Count:
    """A counter as it is now."""

    failures: int = 0
    failed: float = 0.0  # when, last
    trying: int = 0
    began: float = 0.0  # when, last

    def left(self, rule: Rule, now: float) -> float:
        """Seconds until the next try."""
        after_failure = self.failed + rule.delay(self.failures) - now
        beside_others = self.began + rule.delay(self.failures + self.trying) - now if self.trying else 0.0
        return min(max(after_failure, beside_others, 0.0), rule.longest)

    def without_one(self) -> _Count:
        """With a try less under way."""
        return replace(self, trying=max(self.trying - 1, 0))


class Throttle:
    """Counts in the database, so that every process counts the same. ``clock`` gives seconds since the epoch.

    `wait` before each try, and when it says 0, `failed` or `succeeded` after it. ``name`` is what was typed; ``client`` the address it came
    from, ``None`` where there is none. Neither may make it raise; everything raises `DatabaseError` when the database cannot be asked.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def wait(self, name: str, client: str | None) -> float:
        """Seconds until the next try is looked at. With 0 a try has begun: it counts until its outcome is told, or for a minute."""
        now = self._clock()
        with self._database.write() as connection:
            keys = _keys(connection, name, client, now)
            left = _longest_wait(_counts(connection, keys, now, lock=False), now)
            if left > 0:
                return left  # before a counter is made: whoever has to wait fills no table
            _make_counters(connection, keys, now)
            counts = _counts(connection, keys, now)
            left = _longest_wait(counts, now)
            if left == 0:
                for key, count in counts.items():
                    _put(connection, key, replace(count, trying=count.trying + 1, began=now))
        return left

    def failed(self, name: str, client: str | None) -> None:
        """Count a failure. The first one that makes others wait is in the audit trail."""
        now = self._clock()
        with self._database.write() as connection:
            keys = _keys(connection, name, client, now)
            _make_counters(connection, keys, now)
            for key, count in _counts(connection, keys, now).items():
                _put(connection, key, replace(count.without_one(), failures=count.failures + 1, failed=now))
                if count.failures == RULES[key.kind].free:
                    _record(connection, key, name, client, now)

    def succeeded(self, name: str, client: str | None) -> None:
        """Forget the failures that stood in the way, and remember the address as one that this user comes from.

        Those of the address stay: a guesser who has one password may not start afresh with it.
        """
        now = self._clock()
        with self._database.write() as connection:
            keys = _keys(connection, name, client, now)
            for key, count in _counts(connection, keys, now).items():
                _put(connection, key, count.without_one() if key.kind == "client" else replace(count.without_one(), failures=0))
            known = name_in(name)
            if known is not None:
                _remember(connection, known, _address(client), now)


def _keys(connection: Connection, name: str, client: str | None, now: float) -> list[_Key]:
    """The counters of a try, always in the same order: two tries never wait for each other in a circle."""
    known, address = name_in(name), _address(client)
    own = _Key("name", f"name:{_digest(known) if known is not None else '-'}")
    if known is not None:
        here = _place.name == known, _place.client == address, _place.at > now - _KNOWN_FOR
        if connection.execute(select(_place.at).where(*here)).first() is not None:
            own = _Key("place", f"place:{_digest(f'{known} {address}')}")
    return sorted([own, _Key("client", f"client:{address}")], key=lambda key: key.text)


def _counts(connection: Connection, keys: list[_Key], now: float, *, lock: bool = True) -> dict[_Key, _Count]:
    """The counters of those keys, locked until the transaction ends; one that is not there is at nothing."""
    query = select(tables.sign_in_counters).where(_counter.key.in_([key.text for key in keys])).order_by(_counter.key)
    found = {row.key: row for row in connection.execute(query.with_for_update() if lock else query)}
    counts = {}
    for key in keys:
        row = found.get(key.text)
        if row is None:
            counts[key] = _Count()
            continue
        counts[key] = _Count(
            row.failures if row.failed > now - RULES[key.kind].forgotten else 0,
            row.failed,
            row.trying if row.began > now - _UNDER_WAY else 0,
            row.began,
        )
    return counts


def _longest_wait(counts: dict[_Key, _Count], now: float) -> float:
    return max(count.left(RULES[key.kind], now) for key, count in counts.items())


def _make_counters(connection: Connection, keys: list[_Key], now: float) -> None:
    made = [rows.insert_unless_there(connection, tables.sign_in_counters, {"key": key.text, "began": now}) for key in keys]
    if any(made):
        _tidy(connection, now)


def _put(connection: Connection, key: _Key, count: _Count) -> None:
    values = {"failures": count.failures, "failed": count.failed, "trying": count.trying, "began": count.began}
    connection.execute(update(tables.sign_in_counters).where(_counter.key == key.text).values(values))


def _tidy(connection: Connection, now: float) -> None:
    """Delete counters that are at nothing again; and where there are too many, those with the fewest failures."""
    oldest = max(rule.forgotten for rule in RULES.values())
    forgotten = select(_counter.key).where(_counter.failed <= now - oldest, _counter.began <= now - _UNDER_WAY)
    chosen = forgotten.limit(_TIDIED).with_for_update(skip_locked=True)
    connection.execute(delete(tables.sign_in_counters).where(_counter.key.in_(chosen)))
    excess = connection.execute(select(func.count()).select_from(tables.sign_in_counters)).scalar_one() - _MOST
    if excess > 0:
        fewest = select(_counter.key).order_by(_counter.failures, _counter.began).limit(min(excess, _TIDIED))
        connection.execute(delete(tables.sign_in_counters).where(_counter.key.in_(fewest.with_for_update(skip_locked=True))))


def _record(connection: Connection, key: _Key, name: str, client: str | None, now: float) -> None:
    """The line of a lock-out. A name that is no user's is left out: it may be a password in the wrong place."""
    known = name_in(name) if key.kind != "client" else None
    user = None if known is None else rows.by_name(connection, known)
    audit.write(
        connection,
        at=now,
        actor=_ACTOR,
        action="sign-in.lock-out",
        account=None if user is None else user.account,
        counter=key.kind,
        user=None if user is None else user.name,
        client=_address(client),
    )


def _remember(connection: Connection, name: str, address: str, now: float) -> None:
    mine = _place.name == name
    if not rows.insert_unless_there(connection, tables.sign_in_places, {"name": name, "client": address, "at": now}):
        connection.execute(update(tables.sign_in_places).where(mine, _place.client == address).values(at=now))
    connection.execute(delete(tables.sign_in_places).where(mine, _place.at <= now - _KNOWN_FOR))
    newest = select(_place.client).where(mine).order_by(_place.at.desc(), _place.client).limit(_MOST_PLACES)
    connection.execute(delete(tables.sign_in_places).where(mine, _place.client.not_in(newest)))


def _address(client: str | None) -> str:
    """What counts as one address: an IPv4 address, an IPv6 /64, and everything that is neither."""
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return "-"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), _PREFIX), strict=False))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
