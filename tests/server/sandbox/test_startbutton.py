"""Startbutton answers and fails in its provider's own shape, and its wallets add up."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from payseal import Request, Signer, scheme

from .calls import balance, transfer
from .conftest import Sandbox
from .samples import TRANSFER


def test_a_transfer_is_processed_and_the_wallet_pays_for_it(sandbox: Sandbox) -> None:
    before = balance(sandbox, "GHS")
    answer = transfer(sandbox, {**TRANSFER, "reference": "transferreference1"})
    assert (answer.status, answer.json) == (200, {"success": True, "message": "transfer", "data": "processing"})
    assert balance(sandbox, "GHS") == before - 100


def test_more_than_the_wallet_holds_is_refused_and_nothing_moves(sandbox: Sandbox) -> None:
    before = balance(sandbox, "GHS")
    answer = transfer(sandbox, {**TRANSFER, "amount": before + 1})
    assert (answer.status, answer.json) == (400, {"success": False, "message": "Insufficient funds in GHS wallet"})
    assert balance(sandbox, "GHS") == before


def test_a_reference_is_used_once_and_nothing_moves_the_second_time(sandbox: Sandbox) -> None:
    document = {**TRANSFER, "reference": "transferreference2"}
    assert transfer(sandbox, document).status == 200
    before = balance(sandbox, "GHS")
    again = transfer(sandbox, {**document, "amount": 200})
    assert (again.status, again.json) == (409, {"success": False, "message": "Duplicate transaction"})
    assert balance(sandbox, "GHS") == before


def test_the_same_signature_again_is_a_duplicate(sandbox: Sandbox) -> None:
    document, at = {**TRANSFER, "reference": "transferreference3"}, time.time()
    assert transfer(sandbox, document, created=at).status == 200
    again = transfer(sandbox, document, created=at)
    assert (again.status, again.json) == (409, {"success": False, "message": "Duplicate transaction"})


@pytest.mark.parametrize("amount", [-5, 0, 1.5, "100", True, None, 10**16])
def test_an_amount_is_a_positive_number_of_minor_units(sandbox: Sandbox, amount: Any) -> None:
    answer = transfer(sandbox, {**TRANSFER, "amount": amount})
    assert answer.status == 400
    assert answer.json["success"] is False
    assert answer.json["message"].startswith("amount: ")


def test_a_transfer_says_where_to(sandbox: Sandbox) -> None:
    answer = transfer(sandbox, {"amount": 1, "currency": "GHS", "country": "Ghana", "MNO": "MTN"})
    assert answer.status == 400
    assert "msisdn" in answer.json["message"]


def test_the_merchant_is_named_by_its_token(sandbox: Sandbox) -> None:
    keys, body = sandbox.vault.demo_keys().startbutton, json.dumps({**TRANSFER, "reference": "transferreference4"}).encode()
    headers = Signer(scheme("startbutton-transfer"), keys).sign(Request("POST", "/", body=body))
    for other in ({"Authorization": ""}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic abc"}):
        answer = sandbox.send("POST", "/transaction/transfer", {**headers, **other, "Content-Type": "application/json"}, body)
        assert answer.status == 401
        assert set(answer.json) == {"success", "message"}
    del headers["Authorization"]
    assert sandbox.send("POST", "/transaction/transfer", {**headers, "Content-Type": "application/json"}, body).status == 401
