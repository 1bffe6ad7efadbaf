"""The Payments API answers and fails in its provider's own shape."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from payseal import Request, Signer, scheme

from .calls import sale
from .conftest import Sandbox
from .samples import CARD, SALE, changed


def test_a_sale_is_approved_and_can_be_inquired(sandbox: Sandbox) -> None:
    paid = sale(sandbox, nonce="sale-1")
    assert paid.status == 200
    assert paid.json["clientRequestId"] == "sale-1"
    assert (paid.json["transactionType"], paid.json["transactionStatus"]) == ("SALE", "APPROVED")
    assert paid.json["approvedAmount"] == {"total": 12.04, "currency": "EUR"}
    found = sandbox.signed(
        "fiserv-payments", sandbox.vault.demo_keys().fiserv, "GET", f"/ipp/payments-gateway/v2/payments/{paid.json['ipgTransactionId']}"
    )
    assert found.status == 200
    assert found.json["orderId"] == paid.json["orderId"]


def test_the_other_official_encoding_is_accepted(sandbox: Sandbox) -> None:
    keys, body = sandbox.vault.demo_keys().fiserv, json.dumps(SALE).encode()
    spelled = scheme("fiserv-payments", signature={"encoding": "base64-of-hex"})
    headers = Signer(spelled, keys).sign(Request("POST", "/", body=body))
    assert len(headers["Message-Signature"]) == 88
    assert sandbox.send("POST", "/gateway/v2/payments", {**headers, "Content-Type": "application/json"}, body).status == 200


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("requestType", "Nonsense", "requestType"),
        ("requestType", ..., "requestType"),
        ("transactionAmount.total", -1, "transactionAmount.total"),
        ("transactionAmount.total", 0, "transactionAmount.total"),
        ("transactionAmount.total", "many", "transactionAmount.total"),
        ("transactionAmount.total", 1.005, "transactionAmount"),
        ("transactionAmount.currency", "XXX", "transactionAmount.currency"),
        ("transactionAmount.currency", 7, "transactionAmount.currency"),
        ("paymentMethod", [], "paymentMethod"),
        ("paymentMethod.paymentCard.number", "4242424242424241", "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.number", "x" * 5000, "paymentMethod.paymentCard.number"),
        ("paymentMethod.paymentCard.expiryDate.month", "13", "paymentMethod.paymentCard.expiryDate.month"),
    ],
)
def test_a_wrong_field_is_named(sandbox: Sandbox, path: str, value: Any, field: str) -> None:
    answer = sale(sandbox, changed(SALE, path, value))
    assert (answer.status, answer.json["responseType"]) == (400, "BadRequest")
    assert answer.json["error"]["details"][0]["field"] == field
    assert CARD not in answer.raw.decode()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":1}', b'"text"', b"[" * 5000])
def test_a_body_that_is_no_request_is_the_provider_s_400(sandbox: Sandbox, raw: bytes) -> None:
    answer = sale(sandbox, raw=raw)
    assert (answer.status, answer.json["responseType"]) == (400, "BadRequest")
    assert set(answer.json) == {"clientRequestId", "apiTraceId", "responseType", "error"}


def test_another_media_type_is_415(sandbox: Sandbox) -> None:
    answer = sale(sandbox, content_type="text/plain")
    assert (answer.status, answer.json["responseType"]) == (415, "UnsupportedMediaType")


def test_the_same_order_again_is_409(sandbox: Sandbox) -> None:
    document = {**SALE, "order": {"orderId": "order-1"}}
    assert sale(sandbox, document).status == 200
    again = sale(sandbox, document)
    assert (again.status, again.json["responseType"]) == (409, "GatewayDeclined")
    assert again.json["error"] == {"code": "5003", "message": "The order already exists in the database."}


def test_an_unknown_payment_or_path_is_404(sandbox: Sandbox) -> None:
    keys = sandbox.vault.demo_keys().fiserv
    for path in ("/gateway/v2/payments/unknown", "/gateway/v2/nothing"):
        answer = sandbox.signed("fiserv-payments", keys, "GET", path)
        assert (answer.status, answer.json["responseType"]) == (404, "NotFound")


def test_a_repeated_id_gives_the_first_answer_and_one_payment(sandbox: Sandbox) -> None:
    first, again = sale(sandbox, nonce="twice"), sale(sandbox, nonce="twice")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.raw == first.raw
    with sqlite3.connect(sandbox.vault.database_file) as database:
        assert database.execute("select count(*) from fiserv_payments where client_request_id = 'twice'").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda headers: headers.pop("Message-Signature"), 401),
        (lambda headers: headers.update({"Message-Signature": "A" * 44}), 401),
        (lambda headers: headers.update({"Api-Key": "unknown"}), 401),
        (lambda headers: headers.update({"Timestamp": "1700000000"}), 401),
        (lambda headers: headers.update({"Client-Request-Id": "another"}), 401),
    ],
)
def test_a_refusal_has_the_provider_s_shape(sandbox: Sandbox, spoil: Any, status: int) -> None:
    body = json.dumps(SALE).encode()
    headers = Signer(scheme("fiserv-payments"), sandbox.vault.demo_keys().fiserv).sign(Request("POST", "/", body=body))
    spoil(headers)
    answer = sandbox.send("POST", "/gateway/v2/payments", {**headers, "Content-Type": "application/json"}, body)
    assert (answer.status, answer.json["responseType"]) == (status, "Unauthenticated")
    assert set(answer.json) == {"clientRequestId", "apiTraceId", "responseType", "error"}
