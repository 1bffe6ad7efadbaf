"""The overview's numbers are those of the decisions that were made, for whoever may see them; with none, and with a hundred thousand."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from payseal.server.accounts import CredentialStore, Database, tables
from payseal.server.sandbox.serve import bind, serving
from payseal.server.vault import Vault
from tests.server.sandbox.calls import eventually, sale
from tests.server.sandbox.samples import CODE, SALE, changed

from .conftest import ACTOR, Console, Got


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A sandbox that has decided nothing."""
    vault = Vault.open(tmp_path_factory.mktemp("fresh") / "sandbox")
    listener = bind(0)
    with serving(vault, listener):
        database = Database.open(vault.accounts_url)
        yield Console(listener.getsockname()[1], vault, database)
        database.close()


#: What the figures are, in their order; how they are named is the page's affair.
FIGURES = ("accepted", "again", "refused", "median", "slow", "ids")


def figures(page: Got) -> dict[str, str]:
    found = re.findall(r"<div><dt>[^<]+</dt><dd[^>]*>(.*?)</dd></div>", page.text)
    return {name: html.unescape(re.sub(r"<[^>]*>", "", value)) for name, value in zip(FIGURES, found, strict=False)}


def codes(page: Got) -> dict[str, int]:
    found = re.findall(r'code=([\w-]+)">\1</a></th><td class="number">([\d\u202f]+)</td>', page.text)
    return {code: int(number.replace("\u202f", "")) for code, number in found}


def bars(page: Got) -> tuple[int, int]:
    """All that the chart's columns say: accepted, refused."""
    titles = re.findall(r"<title>\d\d:\d\d: (\d+) accepted, (\d+) refused</title>", page.text)
    return sum(int(good) for good, _ in titles), sum(int(bad) for _, bad in titles)


def recorded(database: Database, rows: list[dict[str, Any]]) -> None:
    values = {"status": None, "scheme": "fiserv-payments", "keyid": None, "request_id": None, "client": None, "trace": None}
    with database.write() as connection:
        connection.execute(insert(tables.decisions), [{**values, **row} for row in rows])


def test_with_no_decisions_there_is_nothing_to_count(fresh: Console) -> None:
    page = fresh.signed_in().get("/console")
    assert page.status == 200
    assert figures(page)["accepted"] == "0"
    assert figures(page)["refused"] == "0"
    assert figures(page)["median"] == "–"
    assert (bars(page), codes(page)) == ((0, 0), {})


def test_the_numbers_are_those_of_the_decisions(fresh: Console) -> None:
    operator = fresh.signed_in()
    pinned = {"nonce": "30dd879c-ee2f-11db-8314-0800200c9a66", "created": time.time()}
    statuses = [sale(fresh).status for _ in range(3)]
    statuses += [sale(fresh, **pinned).status for _ in range(2)]
    statuses += [sale(fresh, created=time.time() - 1000).status for _ in range(2)]
    statuses.append(sale(fresh, changed(SALE, "transactionAmount.total", 1), **pinned).status)
    statuses.append(fresh.send("POST", "/gateway/v2/payments", {}, b"{}").status)
    assert statuses == [200] * 5 + [401, 401, 422, 401]
    eventually(lambda: sum(bars(operator.get("/console"))) == 9, 5)
    page = operator.get("/console")
    numbers = figures(page)
    assert (numbers["accepted"], numbers["again"], numbers["refused"]) == ("4", "1", "4")
    assert codes(page) == {"outside-window": 2, "id-reused": 1, "missing-header": 1}
    assert bars(page) == (5, 4)
    assert re.fullmatch(r"\d+\.\d\d ms", numbers["median"])
    assert float(numbers["slow"].split()[0]) >= float(numbers["median"].split()[0]) > 0
    part = operator.get("/console", HX_Request="true")
    assert figures(part) == numbers
    assert "<html" not in part.text
    assert CODE not in re.sub(r'name="csrf" value="[^"]*"|[xy\d]+="[\d.]+"', "", part.text)


def test_a_merchant_counts_its_own(fresh: Console) -> None:
    account, other = fresh.account(), fresh.account()
    key = fresh.credentials.create(account, "fiserv-payments", actor=ACTOR)
    now = time.time()
    own = [{"at": now, "code": "accepted", "account": account, "latency": latency} for latency in (100, 200, 300_000)]
    refused = [{"at": now, "code": "invalid-signature", "account": None, "keyid": key.keyid, "latency": 50}]
    foreign = [{"at": now, "code": "outside-window", "account": other, "latency": 9_000_000}] * 7
    old = [{"at": now - 3700, "code": "accepted", "account": account, "latency": 9_000_000}] * 5
    recorded(fresh.database, [*own, *foreign, *old])
    recorded(fresh.database, refused)
    page = fresh.signed_in("merchant", account).get("/console")
    numbers = figures(page)
    assert (numbers["accepted"], numbers["refused"]) == ("3", "1")
    assert (numbers["median"], numbers["slow"]) == ("0.20 ms", "300.00 ms")
    assert codes(page) == {"invalid-signature": 1}
    assert bars(page) == (3, 1)
    assert "ids" not in numbers
    assert "ids" in figures(fresh.signed_in().get("/console"))


def test_keys_that_end_soon_are_named(fresh: Console) -> None:
    account, operator = fresh.account(), fresh.signed_in()
    now = time.time()
    ends = {"soon": 2 * 86_400 + 60, "later": 13 * 86_400, "late": 15 * 86_400}
    made = {
        name: fresh.credentials.create(account, "fiserv-payments", actor=ACTOR, not_after=now + seconds).keyid
        for name, seconds in ends.items()
    }
    gone = fresh.credentials.create(account, "fiserv-payments", actor=ACTOR, not_after=now + 86_400).keyid
    CredentialStore(fresh.database).revoke(gone, actor=ACTOR)
    words = operator.get("/console").words
    assert words.index(made["soon"]) < words.index(made["later"])
    assert f"{made['soon']} {account} 2 days" in words
    assert made["late"] not in words
    assert gone not in words


@pytest.mark.alone
def test_a_hundred_thousand_decisions_are_counted_in_time(fresh: Console) -> None:
    now = time.time()
    wanted = ("accepted", "accepted", "accepted", "answered-again", "invalid-signature")
    accounts = ("demo", "other")
    rows = [
        {
            "at": now - number % 3500,
            "code": wanted[number % 5],
            "account": accounts[number % 2],
            "latency": number,
            "scheme": "fiserv-payments",
        }
        for number in range(100_000)
    ]
    recorded(fresh.database, rows)
    operator, merchant = fresh.signed_in(), fresh.signed_in("merchant", "demo")
    page = operator.get("/console")
    assert figures(page)["accepted"] == "60\u202f000"
    assert figures(page)["median"] == "50.00 ms"
    assert figures(page)["slow"] == "99.00 ms"
    assert bars(page) == (80_000, 20_000)
    assert bars(merchant.get("/console")) == (40_000, 10_000)
    for visitor in (operator, merchant):
        taken = []
        for _ in range(5):
            before = time.process_time()
            visitor.get("/console", HX_Request="true")
            taken.append(time.process_time() - before)
        assert min(taken) < 1.0, taken
