"""scripts/attack --only load: nothing gets through, and the audit would see it if something did."""

from __future__ import annotations

import importlib
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from attacks.load.attack import attack
from attacks.load.audit import audited, on_record, paid_out
from attacks.load.requests import KINDS, Maker
from attacks.load.served import Served
from attacks.load.waiting import Crowd
from attacks.sending import CLOSED, SILENT, Outcome

from payseal import Request, Verifier, scheme
from payseal.server.sandbox.store import Store
from payseal.server.vault import Vault


@pytest.mark.alone
def test_nothing_gets_through_and_everybody_is_answered_or_closed() -> None:
    rows = attack(quick=True)
    assert {row.attack: dict(row.seen) for row in rows if row.through} == {}
    assert all(row.tried for row in rows)
    tried = {row.attack: row.tried for row in rows}
    for kind in ("fiserv", "startbutton", "commercehub", "again", "at once", "tampered", "unknown key", "stale", "malformed", "garbage"):
        assert tried[KINDS[kind][0]] > 0
    paid = [row.seen for row in rows if row.attack == KINDS["fiserv"][0]]
    assert "accepted, on record once" in paid[0]


def outcome(kind: str, status: int, key: str = "k", *, replayed: bool = False) -> Outcome:
    return Outcome(kind, key, status, 0.0, 0.0, replayed)


@pytest.mark.parametrize(
    ("outcomes", "stored", "said"),
    [
        ([outcome("fiserv", 200), outcome("again", 200)], {"k": 1}, "accepted twice"),
        ([outcome("at once", 200)] * 2, {"k": 1}, "accepted twice"),
        ([outcome("startbutton", 200), outcome("again", 409)], {"k": 2}, "on record twice"),
        ([outcome("commercehub", 201)], {}, "accepted, and not on record"),
        ([outcome("again", 200, replayed=True)], {}, "accepted, and not on record"),
        ([outcome("fiserv", 401)], {}, "refused with 401"),
        ([outcome("fiserv", 500)], {"k": 1}, "500"),
        ([outcome("garbage", 502, "")], {}, "502"),
        ([outcome("tampered", SILENT)], {}, "neither an answer nor a closed connection"),
        ([outcome("stale", 200)], {"k": 1}, "200"),
        ([outcome("unknown key", CLOSED)], {"k": 1}, "refused, and on record"),
    ],
)
def test_the_audit_sees(outcomes: list[Outcome], stored: dict[str, int], said: str) -> None:
    rows = audited(outcomes, stored)
    assert sum(row.tried for row in rows) == len(outcomes)
    assert any(f"GOT THROUGH: {said}" in row.seen for row in rows), rows


def test_good_clients_that_wait_or_are_refused_are_seen() -> None:
    served = Served([(0.01, "served"), (9.0, "served"), (0.1, "refused with 503")])
    assert served.row("anything").through == 2
    assert Served([(0.01, "served")]).row("anything").through == 0


def test_a_connection_that_nobody_ends_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        crowds = [Crowd("read", 0.0, b"GET"), Crowd("unread", 0.0, b"GET", reads=False)]
        for crowd in crowds:
            crowd.connect(listener.getsockname()[1], 3)
            crowd.look(0, {client.port for client in crowd.clients})
        listener.accept()[0].close()
        while len(crowds[0].clients) == 3:
            crowds[0].look(1, set())
        crowds[1].look(1, {crowds[1].clients[0].port})
        assert [crowd.row().through for crowd in crowds] == [2, 1]


def test_the_audit_has_nothing_to_say_of_what_is_right() -> None:
    right = [
        outcome("fiserv", 200, "a"),
        outcome("again", 200, "a", replayed=True),
        outcome("at once", 409, "a"),
        outcome("startbutton", 409, "b"),  # one of its repetitions came first
        outcome("at once", 200, "b"),
        outcome("commercehub", CLOSED, "c"),  # it may have been carried out, or not
        outcome("commercehub", 503, "d"),
        outcome("tampered", 401, "e"),
        outcome("ten", 413, "f"),
        outcome("garbage", CLOSED, ""),
    ]
    assert sum(row.through for row in audited(right, {"a": 1, "b": 1, "c": 1})) == 0


def test_the_record_is_read_from_all_three_systems_and_the_wallets_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    importlib.import_module("payseal.server.sandbox.app")  # which knows the tables of all three
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO fiserv_orders VALUES ('demo', 'R-1', 'EUR', 'VISA', '4242', '12', '31')")
        for place in range(2):
            row = (f"p{place}", "demo", "R-1", place, "SALE", 1, None, 0, "twice", 0)
            database.execute("INSERT INTO fiserv_payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("INSERT INTO startbutton_wallets VALUES ('demo', 'KES', 'w', 900, 0, 0)")
        filled = {"id": "t", "account": "demo", "reference": "r", "given_reference": "r", "amount": 70, "currency": "KES", "due": None}
        names = [row[1] for row in database.execute("PRAGMA table_info(startbutton_transfers)")]
        values = [filled.get(name, 0) for name in names]
        database.execute(f"INSERT INTO startbutton_transfers VALUES ({', '.join('?' * len(values))})", values)
        database.commit()
    assert on_record(path) == {"twice": 2, "r": 1}
    assert paid_out(path, "KES", 970) == 0
    assert paid_out(path, "KES", 1000) == 30


def test_each_kind_is_what_it_says(tmp_path: Path) -> None:
    """A payment that is meant to be good verifies, and one that is meant to be tampered, stale or malformed does not."""
    vault = Vault.open(tmp_path / "sandbox")
    keys = vault.demo_keys()
    maker = Maker(keys, ["a-charge"])
    named = {keys.fiserv.keyid: keys.fiserv, keys.commercehub.keyid: keys.commercehub}
    verifiers = {
        "fiserv": Verifier(scheme("fiserv-payments"), named),
        "commercehub": Verifier(scheme("commercehub-hmac"), named),
    }
    for kind, verifier in verifiers.items():
        _, method, path, headers, body = maker.good(kind)
        assert verifier.verify(Request(method, path, headers, body)).keyid
    mixed = list(maker.mixed(4000))
    assert {each.kind for each in mixed} == set(KINDS)
    assert len({each.key for each in mixed if each.kind == "fiserv"}) == sum(each.kind == "fiserv" for each in mixed)
    known = {each.data for each in mixed if each.kind not in ("again", "at once")}
    assert all(each.data in known for each in mixed if each.kind == "again")
