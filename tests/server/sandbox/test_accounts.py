"""The sandbox on its accounts: what an operator changes takes effect within a second, and every decision is on record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from payseal import Credential
from payseal.server.accounts import AccountStore, CredentialStore, Database
from payseal.server.accounts.decided import Chosen, latest

from .conftest import Reply, Sandbox

pytestmark = pytest.mark.alone

ACTOR = "test:operator"
SWITCH = "require_signed_transfers"
TRANSFER = {"amount": 100, "currency": "GHS", "country": "Ghana", "bankCode": "GH01", "accountNumber": "0011223344"}


@pytest.fixture
def database(sandbox: Sandbox) -> Iterator[Database]:
    opened = Database.open(sandbox.vault.accounts_url)
    yield opened
    opened.close()


@pytest.fixture
def accounts(database: Database) -> Iterator[AccountStore]:
    """The accounts; the demo account is as it was afterwards."""
    store = AccountStore(database)
    yield store
    store.switch("demo", SWITCH, True, actor=ACTOR)
    for network in store.get("demo").networks:
        store.remove_ip("demo", str(network), actor=ACTOR)
    time.sleep(0.6)


def soon(send: Callable[[], Reply], status: int) -> Reply:
    """The first answer with that status, which is there within a second."""
    deadline = time.monotonic() + 1.0
    while (answer := send()).status != status:
        assert time.monotonic() < deadline, f"still {answer.status}"
        time.sleep(0.02)
    return answer


def unsigned(sandbox: Sandbox, **headers: str) -> Reply:
    token = sandbox.vault.demo_keys().startbutton.reveal_token()
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    return sandbox.send(
        "POST", "/transaction/transfer", {name: value for name, value in given.items() if value}, json.dumps(TRANSFER).encode()
    )


def test_the_switch_takes_transfers_by_token_alone_and_nothing_else(sandbox: Sandbox, accounts: AccountStore) -> None:
    assert unsigned(sandbox).status == 401
    accounts.switch("demo", SWITCH, False, actor=ACTOR)
    answer = soon(lambda: unsigned(sandbox), 200)
    assert answer.json == {"success": True, "message": "transfer", "data": "processing"}
    # A signature that is there is checked, whatever the switch says.
    for wrong in ("0" * 64, "x", " ", "0" * 128):
        assert unsigned(sandbox, **{"x-request-id": wrong}).status == 401
    signed = sandbox.signed("startbutton-transfer", sandbox.vault.demo_keys().startbutton, "POST", "/transaction/transfer", TRANSFER)
    assert signed.status == 200
    # And so is the token.
    for token in ("", "Bearer", "Bearer ", "Bearer wrong", "Basic abc", "Bearer a, Bearer b"):
        assert unsigned(sandbox, Authorization=token).status == 401, token
    # The other systems have no such switch.
    headers = {"Authorization": f"Bearer {sandbox.vault.demo_keys().startbutton.reveal_token()}", "Content-Type": "application/json"}
    for path in ("/gateway/v2/payments", "/payments/v1/charges", "/payments-vas/v1/card-capture"):
        assert sandbox.send("POST", path, headers, b"{}").status == 401
    accounts.switch("demo", SWITCH, True, actor=ACTOR)
    soon(lambda: unsigned(sandbox), 401)


def test_an_address_that_is_not_on_the_list_is_403_in_the_provider_s_words(sandbox: Sandbox, accounts: AccountStore) -> None:
    keys = sandbox.vault.demo_keys()

    def transfer() -> Reply:
        return sandbox.signed(
            "startbutton-transfer",
            keys.startbutton,
            "POST",
            "/transaction/transfer",
            {**TRANSFER, "reference": "r" * 16 + str(time.time_ns())},
        )

    accounts.allow_ip("demo", "192.0.2.0/24", actor=ACTOR)
    assert soon(transfer, 403).json == {"message": "Access denied: IP not whitelisted", "success": False}
    payment = sandbox.signed("fiserv-payments", keys.fiserv, "GET", "/gateway/v2/payments/x")
    assert (payment.status, payment.json["responseType"]) == (403, "Unauthorized")
    # Nobody learns of the list who cannot sign.
    assert unsigned(sandbox, **{"x-request-id": "0" * 64}).status == 401
    accounts.allow_ip("demo", "127.0.0.1", actor=ACTOR)
    soon(transfer, 200)


def test_a_revoked_key_is_refused_and_a_new_one_taken(sandbox: Sandbox, database: Database) -> None:
    from payseal import Credential

    store = CredentialStore(database, sandbox.vault.ring)
    issued = store.create("demo", "fiserv-payments", actor=ACTOR)

    def inquiry() -> Reply:
        return sandbox.signed("fiserv-payments", Credential(issued.keyid, issued.secret), "GET", "/gateway/v2/payments/unknown")

    soon(inquiry, 404)
    store.revoke(issued.keyid, actor=ACTOR)
    soon(inquiry, 401)


def test_every_decision_is_on_record_and_nothing_secret_in_it(sandbox: Sandbox, database: Database) -> None:
    keys, nonce = sandbox.vault.demo_keys(), "30dd879c-ee2f-11db-8314-0800200c9a66"
    time.sleep(0.6)  # what went before is written
    since = max([row["id"] for row in latest(database, limit=1)], default=0)
    first = sandbox.signed("fiserv-payments", keys.fiserv, "GET", "/gateway/v2/payments/unknown", nonce=nonce)
    again = sandbox.signed("fiserv-payments", keys.fiserv, "GET", "/gateway/v2/payments/unknown", nonce=nonce)
    assert (first.status, again.status) == (404, 404)
    token = keys.startbutton.reveal_token()
    stray = {
        "Api-Key": token,
        "Client-Request-Id": "4242424242424242",
        "Timestamp": f"{time.time() * 1000:.0f}",
        "Message-Signature": "A" * 44,
    }
    assert sandbox.send("POST", "/gateway/v2/payments", stray, b"{}").status == 401
    assert sandbox.send("POST", "/gateway/v2/payments", {**stray, "Api-Key": keys.fiserv.keyid or ""}, b"{}").status == 401
    deadline = time.monotonic() + 3
    rows: list[dict[str, Any]] = []
    while len(rows) < 4:
        rows = [row for row in latest(database) if row["id"] > since][::-1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = [tuple(row[name] for name in ("code", "status", "scheme", "account", "keyid", "request_id", "client")) for row in rows]
    assert kept == [
        ("accepted", None, "fiserv-payments", "demo", keys.fiserv.keyid, nonce, "127.0.0.1"),
        ("answered-again", 404, "fiserv-payments", "demo", keys.fiserv.keyid, nonce, "127.0.0.1"),
        ("invalid-signature", 401, "fiserv-payments", None, None, None, "127.0.0.1"),
        ("invalid-signature", 401, "fiserv-payments", None, keys.fiserv.keyid, None, "127.0.0.1"),
    ]
    assert all(0 < row["latency"] < 5_000_000 for row in rows)
    assert token not in repr(rows)


def test_what_was_refused_is_found_under_the_key_it_named_in_use_or_over(sandbox: Sandbox, database: Database) -> None:
    store = CredentialStore(database, sandbox.vault.ring)
    for name, path in (("startbutton-transfer", "/transaction/transfer"), ("fiserv-payments", "/gateway/v2/payments")):
        issued = store.create("demo", name, actor=ACTOR)
        other = Credential(issued.keyid, "another secret than this key's", issued.token)
        soon(lambda: sandbox.signed(name, Credential(issued.keyid, issued.secret, issued.token), "POST", path, {}), 400)  # noqa: B023
        for revoked in (False, True):
            if revoked:
                store.revoke(issued.keyid, actor=ACTOR)
                soon(lambda: sandbox.signed(name, Credential(issued.keyid, issued.secret, issued.token), "POST", path, {}), 401)  # noqa: B023
            time.sleep(0.6)  # what was decided before is written by now
            since = max([row["id"] for row in latest(database, limit=1)], default=0)
            assert sandbox.signed(name, other, "POST", path, {}).status == 401
            deadline = time.monotonic() + 2
            while not (rows := [row for row in latest(database) if row["id"] > since]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert [(row["code"], row["account"], row["keyid"]) for row in rows] == [("invalid-signature", None, issued.keyid)]
            assert latest(database, Chosen("demo", [issued.keyid]))[0]["id"] == rows[0]["id"]
