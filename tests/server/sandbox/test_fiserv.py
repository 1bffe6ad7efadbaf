"""The Payments API answers and fails in its provider's own shape."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from payseal import Credential, Request, Signer, scheme
from payseal.server.accounts import AccountStore, CredentialStore, Database
from payseal.server.sandbox.fiserv.routes import application
from payseal.server.sandbox.fiserv.rules import Reason
from payseal.server.sandbox.fiserv.wording import GATEWAY_CODES, ISSUER_DECLINED
from payseal.server.sandbox.provider import Backing

from .calls import fiserv, sale
from .conftest import Reply, Sandbox
from .samples import CARD, CODE, PREAUTH, SALE, changed, secondary

ERROR = {"clientRequestId", "apiTraceId", "responseType", "error"}
PLASTIC = {"number": CARD, "securityCode": CODE, "expiryDate": {"month": "12", "year": "31"}}
CARD_DETAILS = {"brand": "MASTERCARD", "last4": "4444", "expiryDate": {"month": "12", "year": "31"}}


@pytest.mark.parametrize(
    ("document", "kind", "state"),
    [(SALE, "SALE", "CAPTURED"), (PREAUTH, "PREAUTH", "AUTHORIZED")],
    ids=["sale", "pre-authorisation"],
)
def test_a_primary_transaction_is_approved_and_can_be_inquired(sandbox: Sandbox, document: Any, kind: str, state: str) -> None:
    paid = sale(sandbox, document, nonce=f"primary-{kind}")
    assert paid.status == 200
    answer = paid.json
    assert answer.pop("apiTraceId") != answer["clientRequestId"]
    assert 0 <= answer["transactionTime"] - 1_700_000_000 < 10**9  # seconds, not milliseconds
    assert answer == {
        "clientRequestId": f"primary-{kind}",
        "responseType": None,
        "ipgTransactionId": answer["ipgTransactionId"],
        "orderId": answer["orderId"],
        "transactionType": kind,
        "transactionTime": answer["transactionTime"],
        "approvedAmount": {"total": 12.04, "currency": "EUR"},
        "transactionStatus": "APPROVED",
        "transactionState": state,
        "paymentMethodDetails": {"paymentCard": CARD_DETAILS, "paymentMethodType": "PAYMENT_CARD"},
    }
    found = fiserv(sandbox, "GET", f"/payments/{answer['ipgTransactionId']}", nonce=f"inquiry-{kind}")
    assert found.status == 200
    assert {**found.json, "apiTraceId": None} == {**answer, "clientRequestId": f"inquiry-{kind}", "apiTraceId": None}


def test_both_prefixes_are_the_same_api(sandbox: Sandbox) -> None:
    keys, other = sandbox.vault.demo_keys().fiserv, "/ipp/payments-gateway/v2"
    paid = sandbox.signed("fiserv-payments", keys, "POST", f"{other}/payments", SALE).json
    assert fiserv(sandbox, "GET", f"/payments/{paid['ipgTransactionId']}").json["orderId"] == paid["orderId"]
    assert fiserv(sandbox, "POST", f"/payments/{paid['ipgTransactionId']}", secondary("Return", 2)).status == 200
    order = sandbox.signed("fiserv-payments", keys, "GET", f"{other}/orders/{paid['orderId']}")
    assert [each["transactionType"] for each in order.json["transactions"]] == ["SALE", "RETURN"]
    card = {"paymentCard": PLASTIC}
    assert sandbox.signed("fiserv-payments", keys, "POST", f"{other}/card-verification", card).status == 200
    assert sandbox.signed("fiserv-payments", keys, "POST", f"{other}/orders/{paid['orderId']}", secondary("Return", 2)).status == 200


@pytest.mark.parametrize(("encoding", "length"), [("base64", 44), ("base64-of-hex", 88)])
def test_both_official_encodings_of_the_signature_are_accepted(sandbox: Sandbox, encoding: str, length: int) -> None:
    keys, body = sandbox.vault.demo_keys().fiserv, json.dumps(SALE).encode()
    signer = Signer(scheme("fiserv-payments", signature={"encoding": encoding}), keys)
    headers = signer.sign(Request("POST", "/gateway/v2/payments", body=body))
    assert len(headers["Message-Signature"]) == length
    paid = sandbox.send("POST", "/gateway/v2/payments", {**headers, "Content-Type": "application/json"}, body)
    assert paid.status == 200
    path = f"/gateway/v2/payments/{paid.json['ipgTransactionId']}"
    # A GET signs the empty body; it may say which media type that has, and need not.
    assert sandbox.send("GET", path, signer.sign(Request("GET", path))).status == 200
    assert sandbox.send("GET", path, {**signer.sign(Request("GET", path)), "Content-Type": "application/json"}).status == 200


@pytest.mark.parametrize(
    ("total", "currency", "answered"),
    [(0.01, "EUR", 0.01), (19.99, "USD", 19.99), (1234567.89, "EUR", 1234567.89), (500, "JPY", 500), (1.005, "KWD", 1.005)],
)
def test_an_amount_comes_back_as_it_went(sandbox: Sandbox, total: float, currency: str, answered: float) -> None:
    paid = sale(sandbox, changed(SALE, "transactionAmount", {"total": total, "currency": currency}))
    assert paid.json["approvedAmount"] == {"total": answered, "currency": currency}
    assert isinstance(paid.json["approvedAmount"]["total"], int | float)


def test_a_card_is_verified_and_nothing_is_put_on_record(sandbox: Sandbox) -> None:
    before = kept(sandbox)
    answer = fiserv(sandbox, "POST", "/card-verification", {"paymentCard": PLASTIC}, nonce="card-1")
    assert answer.status == 200
    assert (answer.json["clientRequestId"], answer.json["transactionStatus"]) == ("card-1", "APPROVED")
    assert answer.json["paymentMethodDetails"]["paymentCard"] == CARD_DETAILS
    assert kept(sandbox) == before
    assert CARD not in answer.raw.decode()
    wrong = fiserv(sandbox, "POST", "/card-verification", {"paymentCard": {"number": "4242424242424241", "expiryDate": {"month": "12"}}})
    assert (wrong.status, fields(wrong)) == (400, ["paymentCard.number", "paymentCard.expiryDate.year"])


def kept(sandbox: Sandbox) -> list[tuple[Any, ...]]:
    """Every row that the Payments API has."""
    with sqlite3.connect(sandbox.vault.database_file) as database:
        rows = [row for table in ("fiserv_orders", "fiserv_payments") for row in database.execute(f"select * from {table}")]
    database.close()
    return rows


def test_of_a_card_only_what_may_be_kept_is(sandbox: Sandbox) -> None:
    paid = sale(sandbox).json
    fiserv(sandbox, "POST", f"/payments/{paid['ipgTransactionId']}", secondary("Return", 1))
    found = {str(value) for row in kept(sandbox) for value in row}
    assert {"MASTERCARD", "4444", "12", "31"} <= found
    assert not found & {CARD, CODE}


def fields(answer: Reply) -> list[str]:
    """The fields that an answer says are wrong."""
    return [each["field"] for each in answer.json["error"]["details"]]


def test_every_wrong_field_is_named_at_once(sandbox: Sandbox) -> None:
    wrong = {
        "requestType": "PaymentCardSaleTransaction",
        "transactionAmount": {"total": -1, "currency": "XXX"},
        "paymentMethod": {"paymentCard": {"number": "1", "securityCode": "12", "expiryDate": {"month": "13"}}},
        "order": {"orderId": ""},
    }
    answer = sale(sandbox, wrong)
    assert (answer.status, answer.json["responseType"], set(answer.json)) == (400, "BadRequest", ERROR)
    card = "paymentMethod.paymentCard"
    assert fields(answer) == [
        "transactionAmount.currency",
        "transactionAmount.total",
        f"{card}.number",
        f"{card}.securityCode",
        f"{card}.expiryDate.month",
        f"{card}.expiryDate.year",
        "order.orderId",
    ]
    assert all(each["message"] for each in answer.json["error"]["details"])
    assert answer.json["error"]["message"] == answer.json["error"]["details"][0]["message"]


@pytest.mark.parametrize(
    ("document", "field"),
    [({"requestType": "VoidTransaction", "transactionAmount": {"total": 1}}, "transactionAmount.currency")]
    + [(secondary(kind), "transactionAmount") for kind in ("PostAuth", "Return")]
    + [(SALE, "requestType"), ({}, "requestType"), ({"requestType": None}, "requestType")],
)
@pytest.mark.parametrize("path", ["/payments/1", "/orders/1"])
def test_a_wrong_field_of_a_secondary_transaction_is_named(sandbox: Sandbox, path: str, document: Any, field: str) -> None:
    answer = fiserv(sandbox, "POST", path, document)
    assert (answer.status, fields(answer)) == (400, [field])
    assert CARD not in answer.raw.decode()


def test_another_media_type_is_415(sandbox: Sandbox) -> None:
    for path in ("/payments", "/payments/1", "/orders/1", "/card-verification"):
        answer = fiserv(sandbox, "POST", path, SALE, content_type="text/plain")
        assert (answer.status, answer.json["responseType"], set(answer.json)) == (415, "UnsupportedMediaType", ERROR)


def test_the_same_order_again_is_409(sandbox: Sandbox) -> None:
    document = {**SALE, "order": {"orderId": "order-1"}}
    assert sale(sandbox, document).json["orderId"] == "order-1"
    again = sale(sandbox, document)
    assert (again.status, again.json["responseType"]) == (409, "GatewayDeclined")
    assert again.json["error"] == {"code": "5003", "message": "The order already exists in the database."}
    assert len(fiserv(sandbox, "GET", "/orders/order-1").json["transactions"]) == 1


@pytest.mark.parametrize("order_id", ["x", "ä ö/ü?&#%", "a" * 100, "../payments"])
def test_an_order_is_found_by_the_name_it_was_given(sandbox: Sandbox, order_id: str) -> None:
    paid = sale(sandbox, {**SALE, "order": {"orderId": order_id}})
    assert paid.json["orderId"] == order_id
    order = fiserv(sandbox, "GET", f"/orders/{quote(order_id, safe='')}")
    assert (order.status, order.json["orderId"], order.json["responseType"]) == (200, order_id, None)
    (only,) = order.json["transactions"]
    assert only == {name: value for name, value in paid.json.items() if name not in ("clientRequestId", "apiTraceId", "responseType")}


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("GET", "/payments/unknown", None),
        ("GET", "/orders/unknown", None),
        ("GET", "/orders/%ff%00", None),
        ("GET", "/nothing", None),
        ("POST", "/nothing", SALE),
        ("POST", "/payments/unknown", secondary("Void")),
        ("POST", "/orders/unknown", secondary("Return", 1)),
    ],
)
def test_what_is_not_there_is_404(sandbox: Sandbox, method: str, path: str, document: Any) -> None:
    answer = fiserv(sandbox, method, path, document)
    assert (answer.status, answer.json["responseType"], set(answer.json)) == (404, "NotFound", ERROR)


def test_another_account_s_transactions_are_not_there(sandbox: Sandbox) -> None:
    database = Database.open(sandbox.vault.accounts_url)
    try:
        AccountStore(database).create("stranger", actor="test:operator")
        issued = CredentialStore(database, sandbox.vault.ring).create("stranger", "fiserv-payments", actor="test:operator")
    finally:
        database.close()
    stranger = Credential(issued.keyid, issued.secret)

    def ask(method: str, path: str, document: Any = None) -> Reply:
        return sandbox.signed("fiserv-payments", stranger, method, f"/gateway/v2{path}", document)

    paid = sale(sandbox, {**SALE, "order": {"orderId": "mine"}}).json
    until = _known(lambda: ask("GET", "/orders/mine"))
    assert until.status == 404
    assert ask("GET", f"/payments/{paid['ipgTransactionId']}").status == 404
    assert ask("POST", f"/payments/{paid['ipgTransactionId']}", secondary("Return", 1)).status == 404
    assert ask("POST", "/orders/mine", secondary("Void")).status == 404
    # The name is free for another account, and the two orders have nothing to do with each other.
    assert ask("POST", "/payments", {**PREAUTH, "order": {"orderId": "mine"}}).status == 200
    assert ask("POST", "/orders/mine", secondary("Return", 1)).status == 409
    assert [each["transactionType"] for each in fiserv(sandbox, "GET", "/orders/mine").json["transactions"]] == ["SALE"]


def _known(send: Callable[[], Reply]) -> Reply:
    """The first answer once the new key is known, which is within a second."""
    deadline = time.monotonic() + 2
    while (answer := send()).status == 401 and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/payments"), ("PUT", "/payments/1"), ("DELETE", "/orders/1"), ("GET", "/card-verification")]
)
def test_another_method_is_405(sandbox: Sandbox, method: str, path: str) -> None:
    answer = fiserv(sandbox, method, path)
    assert (answer.status, answer.json["responseType"], set(answer.json)) == (405, "BadRequest", ERROR)


def test_a_repeated_id_gives_the_first_answer_and_one_payment(sandbox: Sandbox) -> None:
    first, again = sale(sandbox, nonce="twice"), sale(sandbox, nonce="twice")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.raw == first.raw
    assert len(fiserv(sandbox, "GET", f"/orders/{first.json['orderId']}").json["transactions"]) == 1
    other = sale(sandbox, changed(SALE, "transactionAmount.total", 13), nonce="twice")
    assert (other.status, other.json["responseType"], set(other.json)) == (422, "EndpointDeclined", ERROR)


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
    assert set(answer.json) >= ERROR


def test_a_decline_is_worded_as_one(sandbox: Sandbox) -> None:
    answer = sale(sandbox, changed(PREAUTH, "transactionAmount.total", 4000.01), nonce="declined-1")
    assert (answer.status, answer.json["responseType"]) == (422, "EndpointDeclined")
    assert (answer.json["transactionType"], answer.json["transactionStatus"]) == ("PREAUTH", "DECLINED")
    assert answer.json["clientRequestId"] == "declined-1"
    assert answer.json["error"] == {"code": "05", "message": "The card's issuer declined the payment."}


def test_every_refusal_of_the_gateway_has_a_code_of_its_own() -> None:
    assert set(GATEWAY_CODES) == set(Reason)
    codes = [code for code, _ in GATEWAY_CODES.values()]
    assert len(set(codes)) == len(codes)


def test_the_openapi_page_has_every_operation_with_its_models() -> None:
    nothing: Any = None
    page = application(Backing(nothing, nothing, nothing, nothing, nothing)).openapi()
    operations = {(method, path): each for path, item in page["paths"].items() for method, each in item.items()}
    assert set(operations) == {
        ("post", "/gateway/v2/payments"),
        ("get", "/gateway/v2/payments/{transaction_id}"),
        ("post", "/gateway/v2/payments/{transaction_id}"),
        ("get", "/gateway/v2/orders/{order_id}"),
        ("post", "/gateway/v2/orders/{order_id}"),
        ("post", "/gateway/v2/card-verification"),
    }
    for operation in operations.values():
        assert operation["summary"]
        assert operation["description"]
        answers = {
            status: answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for status, answer in operation["responses"].items()
        }
        assert answers.pop("200") in {"TransactionResponse", "OrderResponse", "CardVerificationResponse"}
        assert answers.pop("422") == "DeclinedResponse"
        assert set(answers) == {"400", "401", "403", "404", "409", "415", "default"}
        assert set(answers.values()) == {"ErrorResponse"}
    primary = operations["post", "/gateway/v2/payments"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(primary["discriminator"]["mapping"]) == {"PaymentCardSaleTransaction", "PaymentCardPreAuthTransaction"}
    later = operations["post", "/gateway/v2/orders/{order_id}"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(later["discriminator"]["mapping"]) == {"PostAuthTransaction", "VoidTransaction", "ReturnTransaction"}


def test_every_code_is_on_its_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sandbox-fiserv.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\d{4,5})` \|", page, re.MULTILINE)) == {code for code, _ in GATEWAY_CODES.values()}
    assert f"code `{ISSUER_DECLINED[0]}`" in page
