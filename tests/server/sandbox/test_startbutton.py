"""Startbutton answers and fails in its provider's own shape, keeps what may be kept, and shows each merchant what is its own."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from payseal import Credential, PaysealError, Request, Signer, scheme
from payseal.server.accounts import AccountStore, CredentialStore, Database
from payseal.server.sandbox.provider import Settings
from payseal.server.sandbox.serve import bind, serving
from payseal.server.sandbox.startbutton.banks import INSTITUTIONS
from payseal.server.sandbox.startbutton.wallets import OPENING_BALANCES
from payseal.server.vault import Vault

from .calls import by_token, eventually, status_of, transfer, wallet_of
from .conftest import Reply, Sandbox
from .samples import TRANSFER, changed

MOBILE = {"amount": 100, "currency": "KES", "country": "Kenya", "MNO": "MTN", "msisdn": "0707xx75xx"}


@contextmanager
def another_merchant(sandbox: Sandbox, account: str) -> Iterator[Credential]:
    """A second account of the running sandbox, with a credential of its own."""
    database = Database.open(sandbox.vault.accounts_url)
    try:
        AccountStore(database).create(account, actor="test:setup")
        issued = CredentialStore(database, sandbox.vault.ring).create(account, "startbutton-transfer", actor="test:setup")
    finally:
        database.close()
    credential = Credential(issued.keyid, issued.secret, issued.token)
    eventually(lambda: by_token(sandbox, "/wallet", credential).status == 200)
    yield credential


def refused(answer: Reply, status: int, message: str) -> bool:
    """What a sandbox says beyond that, of how a request was signed, is its own."""
    return answer.status == status and answer.json["success"] is False and answer.json["message"] == message


def test_a_transfer_is_processed_and_the_wallet_pays_for_it(sandbox: Sandbox) -> None:
    before = wallet_of(sandbox, "GHS")
    answer = transfer(sandbox, {**TRANSFER, "reference": "transferreference1"})
    assert (answer.status, answer.json) == (200, {"success": True, "message": "transfer", "data": "processing"})
    assert wallet_of(sandbox, "GHS") == before - 100


def test_the_published_sample_of_a_mobile_transfer_is_taken(sandbox: Sandbox) -> None:
    before = wallet_of(sandbox, "KES")
    assert transfer(sandbox, MOBILE).status == 200
    assert wallet_of(sandbox, "KES") == before - 100


def test_more_than_the_wallet_holds_is_refused_and_nothing_moves(sandbox: Sandbox) -> None:
    before = wallet_of(sandbox, "GHS")
    answer = transfer(sandbox, {**TRANSFER, "amount": before + 1})
    assert (answer.status, answer.json) == (400, {"success": False, "message": "Insufficient funds in GHS wallet"})
    assert wallet_of(sandbox, "GHS") == before


def test_a_reference_is_used_once_and_nothing_moves_the_second_time(sandbox: Sandbox) -> None:
    document = {**TRANSFER, "reference": "transferreference2"}
    assert transfer(sandbox, document).status == 200
    before = wallet_of(sandbox, "GHS")
    for amount in (200, before + 1):  # a duplicate is one, whatever the wallet holds
        again = transfer(sandbox, {**document, "amount": amount})
        assert (again.status, again.json) == (409, {"success": False, "message": "Duplicate transaction"})
    assert wallet_of(sandbox, "GHS") == before


def test_the_same_signature_again_is_a_duplicate(sandbox: Sandbox) -> None:
    document, at = {**TRANSFER, "reference": "transferreference3"}, time.time()
    assert transfer(sandbox, document, created=at).status == 200
    assert refused(transfer(sandbox, document, created=at), 409, "Duplicate transaction")


def test_a_declined_amount_is_declined_every_time_and_leaves_nothing(sandbox: Sandbox) -> None:
    before = wallet_of(sandbox, "GHS")
    for at in (0, -60):
        answer = transfer(sandbox, {**TRANSFER, "amount": 400001, "reference": "transferdeclined1"}, created=time.time() + at)
        assert answer.status == 400
        assert "declined" in answer.json["message"]
    assert wallet_of(sandbox, "GHS") == before
    assert by_token(sandbox, "/transaction/status/transferdeclined1").status == 404


@pytest.mark.parametrize("amount", [-5, 0, 1.5, 100.0, "100", True, None, [], {}, 10**15 + 1, 10**400, float("nan"), float("inf")])
def test_an_amount_is_a_positive_whole_number_of_minor_units(sandbox: Sandbox, amount: Any) -> None:
    before = wallet_of(sandbox, "GHS")
    answer = transfer(sandbox, {**TRANSFER, "amount": amount})
    assert answer.status == 400
    assert answer.json["success"] is False
    assert answer.json["message"].startswith("amount: ")
    assert wallet_of(sandbox, "GHS") == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "EUR"),
        ("currency", "ghs"),
        ("currency", 5),
        ("currency", ...),
        ("country", ""),
        ("country", "Gha\0na"),
        ("country", "\ud800"),
        ("country", "G" * 1_000_000),
        ("bankCode", "GH 01"),
        ("accountNumber", 11223344),
        ("accountNumber", "12345"),
        ("accountNumber", "1" * 1_000_000),
        ("accountNumber", "0011\n223344"),
        ("accountName", "a\u202eb"),
        ("reference", 5),
        ("reference", "\ud800" * 16),
        ("webhookUrl", 5),
    ],
)
def test_a_wrong_field_is_named_and_what_was_sent_is_not_repeated(sandbox: Sandbox, field: str, value: Any) -> None:
    answer = transfer(sandbox, changed(TRANSFER, field, value))
    assert answer.status == 400
    assert answer.json["success"] is False
    assert answer.json["message"].startswith(f"{field}: ")
    assert len(answer.raw) < 300


@pytest.mark.parametrize(
    "raw",
    [
        b" ",  # not empty: an empty one says the same all minute long, and another test's would be this one again
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"amount":1e400}',
        b'{"amount":' + b"9" * 5000 + b"}",
    ],
    ids=repr,
)
def test_what_is_no_transfer_is_refused_in_the_provider_s_shape(sandbox: Sandbox, raw: bytes) -> None:
    answer = transfer(sandbox, None, raw=raw)
    assert answer.status == 400
    assert (set(answer.json), answer.json["success"]) == ({"success", "message"}, False)


@pytest.mark.parametrize(
    "taken_out",
    [
        {"bankCode": ..., "accountNumber": ...},
        {"accountNumber": ...},
        {"bankCode": ""},
        {"accountNumber": None},
        {"MNO": "MTN", "msisdn": "0707123456"},
        {"MNO": "MTN"},
    ],
)
def test_a_transfer_says_where_to_in_one_way(sandbox: Sandbox, taken_out: dict[str, Any]) -> None:
    document: dict[str, Any] = dict(TRANSFER)
    for field, value in taken_out.items():
        document = changed(document, field, value) if value is ... else {**document, field: value}
    answer = transfer(sandbox, document)
    assert answer.status == 400
    assert "bankCode and accountNumber, or MNO and msisdn" in answer.json["message"]


@pytest.mark.parametrize("reference", ["short", "a" * 101, "with-hyphens-in-it", "nul\0" * 5, ""])
def test_a_reference_that_does_not_fit_is_replaced(sandbox: Sandbox, reference: str) -> None:
    document = {**TRANSFER, "reference": reference}
    assert transfer(sandbox, document, created=time.time()).status == 200
    assert transfer(sandbox, document, created=time.time() - 60).status == 200
    assert by_token(sandbox, "/transaction/status/short").status == 404


def test_the_status_of_a_transfer(sandbox: Sandbox) -> None:
    document = {**MOBILE, "reference": "statusreference01", "recipientFirstName": "Ama", "recipientLastName": "Mensah"}
    assert transfer(sandbox, document).status == 200
    answer = by_token(sandbox, "/transaction/status/statusreference01")
    assert (answer.status, answer.json["success"], answer.json["message"]) == (200, True, "transaction fetched")
    found = answer.json["data"]["transaction"]
    assert answer.json["data"]["authorizationCode"] is None
    given = (found["transactionReference"], found["userTransactionReference"], found["amount"], found["currency"], found["transType"])
    assert given == ("statusreference01", "statusreference01", 100, "KES", "transfer")
    assert found["status"] in ("pending", "successful")
    recipient = found["recipient"]
    assert (recipient["recipientName"], recipient["institutionType"]) == ("Ama Mensah", "mobile_money")
    assert (recipient["institutionName"], recipient["institutionNumber"]) == ("MTN", "xxxx75xx")


@pytest.mark.parametrize("reference", ["unknownreference1", "%00", "%ff", "%ed%a0%80", "..", "a%20b"])
def test_an_unknown_reference_is_not_found(sandbox: Sandbox, reference: str) -> None:
    assert refused(by_token(sandbox, f"/transaction/status/{reference}"), 404, "Transaction not found")


def test_the_wallets(sandbox: Sandbox) -> None:
    answer = by_token(sandbox, "/wallet")
    assert (answer.status, answer.json["success"], answer.json["message"]) == (200, True, "Wallet")
    assert [each["currency"] for each in answer.json["data"]] == sorted(OPENING_BALANCES)
    for each in answer.json["data"]:
        assert set(each) == {"_id", "currency", "availableBalance", "ledgerBalance", "createdAt", "updatedAt"}
        assert 0 <= each["availableBalance"] <= each["ledgerBalance"] <= OPENING_BALANCES[each["currency"]]


def test_the_bank_list(sandbox: Sandbox) -> None:
    answer = by_token(sandbox, "/bank/list/GHS")
    assert (answer.status, answer.json["success"], answer.json["message"]) == (200, True, "Bank list retrieved")
    assert answer.json["data"][0] == {"name": "Sandbox Bank GH01 (Ghana)", "code": "GH01", "id": 101}
    mobile = by_token(sandbox, "/bank/list/GHS?type=mobile_money").json["data"]
    assert mobile
    assert {each["code"] for each in mobile}.isdisjoint(each["code"] for each in answer.json["data"])
    for path in ("/bank/list/EUR", "/bank/list/ghs", "/bank/list/GHS%00"):
        answer = by_token(sandbox, path)
        assert (answer.status, answer.json["message"][:10]) == (400, "currency: ")
    assert by_token(sandbox, "/bank/list/GHS?type=cash").json["message"].startswith("type: ")
    assert by_token(sandbox, "/bank/list").status == 404


def test_every_currency_has_a_wallet_and_someone_who_pays_out() -> None:
    assert set(INSTITUTIONS) == set(OPENING_BALANCES)
    everyone = [each for channels in INSTITUTIONS.values() for institutions in channels.values() for each in institutions]
    assert all(any(channels.values()) for channels in INSTITUTIONS.values())
    assert len({each.id for each in everyone}) == len({each.code for each in everyone}) == len(everyone)


@pytest.mark.parametrize("path", ["/wallet", "/transaction/status/statusreference01", "/bank/list/GHS"])
def test_what_only_reads_needs_the_token_and_no_signature(sandbox: Sandbox, path: str) -> None:
    token = sandbox.vault.demo_keys().startbutton.reveal_token()
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": token},
        {"Authorization": f"Basic {token}"},
        {"Authorization": f"Bearer {sandbox.vault.demo_keys().fiserv.keyid}"},
        {"Authorization": f"Bearer {token}", "x-request-id": "0" * 64},  # a signature that is there must be right
        {"Authorization": f"Bearer {token}", "x-request-id": ""},
    ):
        answer = sandbox.send("GET", path, headers)
        assert (answer.status, answer.json["success"]) == (401, False), headers


def test_a_signed_request_that_only_reads_can_be_made_as_often_as_one_likes(sandbox: Sandbox) -> None:
    keys, at = sandbox.vault.demo_keys().startbutton, time.time()
    for path in ("/wallet", "/wallet", "/bank/list/GHS", "/wallet"):
        assert sandbox.signed("startbutton-transfer", keys, "GET", path, created=at).status == 200
    assert sandbox.signed("startbutton-transfer", keys, "GET", "/wallet", created=at - 3600).status == 401


def test_a_transfer_is_not_let_through_beside_the_paths_that_need_no_signature(sandbox: Sandbox) -> None:
    token = sandbox.vault.demo_keys().startbutton.reveal_token()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    before = wallet_of(sandbox, "GHS")
    for path, status in (
        ("/transaction/transfer", 401),
        ("/transaction/status/../transfer", 404),
        ("/transaction/status/%2e%2e/transfer", 404),
        ("/transaction/status//transaction/transfer", 404),
        ("/transaction/status/transfer", 405),
        ("/wallet", 405),
    ):
        assert sandbox.send("POST", path, headers, json.dumps(TRANSFER).encode()).status == status, path
    assert wallet_of(sandbox, "GHS") == before


def test_the_merchant_is_named_by_its_token(sandbox: Sandbox) -> None:
    keys, body = sandbox.vault.demo_keys().startbutton, json.dumps({**TRANSFER, "reference": "transferreference4"}).encode()
    headers = Signer(scheme("startbutton-transfer"), keys).sign(Request("POST", "/", body=body))
    for other in ({"Authorization": ""}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic abc"}):
        answer = sandbox.send("POST", "/transaction/transfer", {**headers, **other, "Content-Type": "application/json"}, body)
        assert answer.status == 401
        assert {"success", "message"} <= set(answer.json)
    del headers["Authorization"]
    assert sandbox.send("POST", "/transaction/transfer", {**headers, "Content-Type": "application/json"}, body).status == 401


def test_each_merchant_has_its_own_wallets_and_references(tmp_path: Path) -> None:
    vault, listener = Vault.open(tmp_path / "two"), bind(0)
    sandbox = Sandbox(listener.getsockname()[1], vault)
    with serving(vault, listener), another_merchant(sandbox, "second-shop") as second:
        document = {**TRANSFER, "reference": "sharedreference01"}
        assert transfer(sandbox, document).status == 200
        assert by_token(sandbox, "/transaction/status/sharedreference01", second).status == 404
        assert wallet_of(sandbox, "GHS", second) == OPENING_BALANCES["GHS"]
        theirs = {**document, "amount": 70}
        assert sandbox.signed("startbutton-transfer", second, "POST", "/transaction/transfer", theirs).status == 200
        assert wallet_of(sandbox, "GHS", second) == OPENING_BALANCES["GHS"] - 70
        assert wallet_of(sandbox, "GHS") == OPENING_BALANCES["GHS"] - 100
        found = by_token(sandbox, "/transaction/status/sharedreference01", second).json["data"]["transaction"]
        assert found["amount"] == 70
        mine = by_token(sandbox, "/transaction/status/sharedreference01").json["data"]["transaction"]
        assert mine["merchantId"] != found["merchantId"]


def test_of_account_and_telephone_numbers_the_end_alone_is_kept(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    account, telephone = "QZXW81726354", "+254711223388"
    with caplog.at_level("DEBUG"):
        assert transfer(sandbox, {**TRANSFER, "accountNumber": account, "reference": "endingreference01"}).status == 200
        assert transfer(sandbox, {**MOBILE, "msisdn": telephone, "reference": "endingreference02"}).status == 200
    eventually(lambda: status_of(sandbox, "endingreference02") == "successful")
    with sqlite3.connect(sandbox.vault.database_file) as database:
        rows = database.execute("select * from startbutton_transfers where reference like 'endingreference%'").fetchall()
    database.close()
    assert [("6354" in row, "3388" in row) for row in rows] == [(True, False), (False, True)]
    kept = b"".join(path.read_bytes() for path in sandbox.vault.folder.glob("*.db*"))
    for number in (account, telephone):
        assert number[:-4].encode() not in kept
        assert number not in caplog.text


def test_a_list_of_hosts_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    vault, listener = Vault.open(tmp_path / "hosts"), bind(0)
    with (
        pytest.raises(PaysealError, match="'http://example' is no host"),
        serving(vault, listener, Settings(webhook_hosts=("http://example",))),
    ):
        pass
    listener.close()


def test_every_operation_says_what_it_takes_and_answers(sandbox: Sandbox) -> None:
    document = sandbox.send("GET", "/openapi/startbutton.json", {}).json
    assert set(document["paths"]) == {"/transaction/transfer", "/transaction/status/{reference}", "/wallet", "/bank/list/{currency}"}
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert {"401", "403"} <= set(operation["responses"])
    transaction = document["components"]["schemas"]["Transaction"]
    assert {"_id", "status", "amount", "recipient"} <= set(transaction["properties"])
