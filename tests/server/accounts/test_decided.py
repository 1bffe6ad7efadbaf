"""Reading the decision log: the same on SQLite and PostgreSQL, in pages, from where one was, and counted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from payseal.server.accounts import Database, DatabaseError, tables
from payseal.server.accounts.decided import Chosen, by_trace, following, latest, newest_id, tally

HOUR = 1_790_000_000.0 // 3600 * 3600


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "at": HOUR, "code": "accepted", "status": None, "scheme": "fiserv-payments", "account": "acme", "keyid": "key-1",
        "request_id": None, "client": None, "latency": 100, "trace": None,
    }  # fmt: skip
    return {**values, **changes}


def recorded(database: Database, *rows: dict[str, Any]) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.decisions), list(rows))


def codes(database: Database, chosen: Chosen, **options: Any) -> list[str]:
    return [each["code"] for each in latest(database, chosen, **options)]


def test_decisions_are_chosen(database: Database) -> None:
    recorded(
        database,
        row(),
        row(code="answered-again", scheme="commercehub-hmac"),
        row(code="outside-window", keyid="key-2"),
        row(code="invalid-signature", account=None, keyid="key-2"),
        row(code="missing-header", account=None, keyid=None),
        row(code="accepted", account="other", keyid="key-9"),
    )
    everything = ["accepted", "missing-header", "invalid-signature", "outside-window", "answered-again", "accepted"]
    assert codes(database, Chosen()) == everything
    assert codes(database, Chosen("acme")) == everything[3:]
    assert codes(database, Chosen("acme", ["key-1", "key-2"])) == everything[2:]
    assert codes(database, Chosen("acme", ["key-1"])) == everything[3:]
    assert codes(database, Chosen("other", ["key-2"])) == ["accepted", "invalid-signature"]
    assert codes(database, Chosen(scheme="commercehub-hmac")) == ["answered-again"]
    assert codes(database, Chosen(code="accepted")) == ["accepted", "accepted"]
    assert codes(database, Chosen(keyid="key-2")) == ["invalid-signature", "outside-window"]
    assert codes(database, Chosen(refused=True)) == ["missing-header", "invalid-signature", "outside-window"]
    assert codes(database, Chosen("acme", ["key-2"], refused=True)) == ["invalid-signature", "outside-window"]
    assert codes(database, Chosen("nobody", ["none"])) == []


def test_pages_and_what_follows_lose_and_repeat_nothing(database: Database) -> None:
    assert newest_id(database) == 0
    recorded(database, *[row(latency=number) for number in range(25)])
    last = newest_id(database)
    pages, before = [], None
    while page := latest(database, before=before, limit=10):
        pages.append([each["latency"] for each in page])
        before = page[-1]["id"]
    assert pages == [[*range(24, 14, -1)], [*range(14, 4, -1)], [*range(4, -1, -1)]]
    recorded(database, *[row(latency=number, account="acme" if number % 2 else None) for number in range(100, 130)])
    seen, after = [], last
    while found := following(database, Chosen(), after=after, limit=7):
        seen += [each["latency"] for each in found]
        after = found[-1]["id"]
    assert seen == [*range(100, 130)]
    assert after == newest_id(database)
    assert [each["latency"] for each in following(database, Chosen("acme"), after=last, limit=3)] == [101, 103, 105]
    assert following(database, Chosen(), after=after) == []


def test_no_more_is_read_than_a_page_holds(database: Database) -> None:
    recorded(database, *[row()] * 10_050)
    assert len(latest(database, limit=1_000_000)) == len(following(database, Chosen(), after=0, limit=1_000_000)) == 10_000


def test_decisions_are_counted_by_code_and_by_minute(database: Database) -> None:
    recorded(
        database,
        row(at=HOUR - 0.001),
        row(at=HOUR, latency=10),
        row(at=HOUR + 59.999, latency=20, code="answered-again"),
        row(at=HOUR + 60, latency=30, code="outside-window"),
        row(at=HOUR + 61, latency=40, code="outside-window"),
        row(at=HOUR + 179.5, latency=1000, code="invalid-signature", account=None),
    )
    found = tally(database, Chosen(), since=HOUR)
    assert (found.accepted, found.again, found.refused) == (1, 1, 3)
    assert found.codes == [("outside-window", 2), ("invalid-signature", 1)]
    minute = int(HOUR // 60)
    assert found.minutes == {minute: (2, 0), minute + 1: (0, 2), minute + 2: (0, 1)}
    assert (found.median, found.slow) == (30, 1000)
    own = tally(database, Chosen("acme"), since=HOUR + 60)
    assert (own.accepted, own.refused, own.median, own.slow) == (0, 2, 40, 40)


def test_nothing_is_counted_as_nothing(database: Database) -> None:
    found = tally(database, Chosen(), since=0)
    assert (found.accepted, found.again, found.refused, found.codes, dict(found.minutes)) == (0, 0, 0, [], {})
    assert (found.median, found.slow) == (None, None)
    one = row(latency=7)
    recorded(database, one)
    assert (tally(database, Chosen(), since=0).median, tally(database, Chosen(), since=0).slow) == (7, 7)


def test_most_decisions_are_as_fast_as_is_said(database: Database) -> None:
    recorded(database, *[row(latency=number) for number in range(1, 201)])
    found = tally(database, Chosen(), since=HOUR)
    assert (found.median, found.slow) == (101, 199)


def test_a_decision_is_found_by_its_trace(database: Database) -> None:
    trace = "0f5a2c6e-7d1b-4c83-9a64-5b2d8e1f3c70"
    recorded(database, row(code="accepted"), row(code="replayed", trace=trace))
    found = by_trace(database, trace)
    assert found is not None
    assert found["code"] == "replayed"
    for other in ("", trace[:-1], trace.upper(), "x" * 100_000, "'; drop table decisions"):
        assert by_trace(database, other) is None


def test_a_database_that_cannot_be_asked_is_said_to_be(database: Database) -> None:
    with database.write() as connection:
        tables.decisions.drop(connection)
    asked = (
        lambda: latest(database),
        lambda: following(database, Chosen(), after=0),
        lambda: newest_id(database),
        lambda: by_trace(database, "x"),
    )
    for ask in asked:
        with pytest.raises(DatabaseError):
            ask()
