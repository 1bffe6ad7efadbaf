"""Each system answers and fails in its provider's own shape, and keeps what it accepted and nothing of a card."""

from __future__ import annotations

import base64
import json
import logging
import re
import sqlite3
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from payseal import Credential, Request, Signer, scheme

from .conftest import Reply, Sandbox

CARD = "5555555555554444"
CODE = "7391"
SALE = {
    "requestType": "PaymentCardSaleTransaction",
    "transactionAmount": {"total": 12.04, "currency": "EUR"},
    "paymentMethod": {"paymentCard": {"number": CARD, "securityCode": CODE, "expiryDate": {"month": "12", "year": "31"}}},
}
TRANSFER = {"amount": 100, "currency": "GHS", "country": "Ghana", "bankCode": "GH01", "accountNumber": "0011223344"}
MERCHANT = {"merchantId": "100000000000001", "terminalId": "10000001"}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value changed; ``...`` takes it out."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    at = copy
    for parent in parents:
        at = at[parent]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return copy


# --- Fiserv Payments API ------------------------------------------------------------------------------------------------------


def sale(sandbox: Sandbox, document: Any = SALE, **options: Any) -> Reply:
    return sandbox.signed("fiserv-payments", sandbox.vault.demo_keys().fiserv, "POST", "/gateway/v2/payments", document, **options)


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
        assert database.execute("select count(*) from payments where client_request_id = 'twice'").fetchone() == (1,)
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


# --- Startbutton --------------------------------------------------------------------------------------------------------------


def transfer(sandbox: Sandbox, document: Any, **options: Any) -> Reply:
    return sandbox.signed(
        "startbutton-transfer", sandbox.vault.demo_keys().startbutton, "POST", "/transaction/transfer", document, **options
    )


def balance(sandbox: Sandbox, currency: str) -> int:
    with sqlite3.connect(sandbox.vault.database_file) as database:
        (found,) = database.execute("select balance from wallets where currency = ?", [currency]).fetchone()
    database.close()
    return int(found)


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


# --- Commerce Hub -------------------------------------------------------------------------------------------------------------


def issue(sandbox: Sandbox) -> Any:
    answer = sandbox.signed(
        "commercehub-hmac",
        sandbox.vault.demo_keys().commercehub,
        "POST",
        "/payments-vas/v1/security/credentials",
        {"merchantDetails": MERCHANT},
    )
    assert answer.status == 201
    return answer.json


def token_credential(sandbox: Sandbox, issued: Any) -> Credential:
    return Credential(sandbox.vault.demo_keys().commercehub.keyid, token=issued["accessToken"])


def capture_document(issued: Any, **changes: Any) -> dict[str, Any]:
    public_key = load_der_public_key(base64.b64decode(issued["publicKey"]))
    assert isinstance(public_key, rsa.RSAPublicKey)
    fields = {"card.cardData": CARD, "card.expirationMonth": "12", "card.expirationYear": "2031", "card.securityCode": CODE}
    data = {
        "encryptionType": "RSA",
        "encryptionTarget": "MANUAL",
        "encryptionBlock": base64.b64encode(public_key.encrypt("".join(fields.values()).encode(), padding.PKCS1v15())).decode(),
        "encryptionBlockFields": ",".join(f"{name}:{len(value)}" for name, value in fields.items()),
        "keyId": issued["keyId"],
        **changes,
    }
    return {"source": {"sourceType": "PaymentCard", "encryptionData": data}, "merchantDetails": MERCHANT}


def capture(sandbox: Sandbox, issued: Any, document: Any) -> Reply:
    return sandbox.signed("commercehub-digest", token_credential(sandbox, issued), "POST", "/payments-vas/v1/card-capture", document)


def charge(sandbox: Sandbox, session: str, **options: Any) -> Reply:
    document = {"source": {"sourceType": "PaymentSession", "sessionId": session}, "amount": {"total": 3, "currency": "USD"}}
    return sandbox.signed("commercehub-hmac", sandbox.vault.demo_keys().commercehub, "POST", "/payments/v1/charges", document, **options)


def test_credentials_have_a_lifetime_and_a_real_key(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    assert (issued["accessTokenTimeToLive"], issued["keyLength"], issued["asymmetricEncryptionAlgorithm"]) == (1800, 2048, "RSA/ECB/PKCS1")
    assert issued["accessToken"] != issue(sandbox)["accessToken"]


def test_a_captured_card_can_be_charged_once(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    captured = capture(sandbox, issued, capture_document(issued))
    assert captured.status == 200
    assert captured.json["gatewayResponse"]["transactionType"] == "TOKENIZE"
    kept = {"last4": "4444", "scheme": "MASTERCARD", "expirationMonth": "12", "expirationYear": "2031"}
    assert captured.json["source"]["card"] == kept
    first = charge(sandbox, issued["sessionId"], nonce="charge-1")
    assert (first.status, first.json["paymentReceipt"]["approvedAmount"]) == (201, {"total": 3.0, "currency": "USD"})
    again = charge(sandbox, issued["sessionId"], nonce="charge-1")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    other = charge(sandbox, issued["sessionId"])
    assert (other.status, other.json["error"][0]["field"]) == (400, "source.sessionId")


def test_a_session_without_a_card_cannot_be_charged(sandbox: Sandbox) -> None:
    for session in (issue(sandbox)["sessionId"], "unknown"):
        assert charge(sandbox, session).status == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"keyId": "another"}, "keyId"),
        ({"encryptionBlock": "!!!"}, "encryptionBlock"),
        ({"encryptionBlock": base64.b64encode(b"x" * 256).decode()}, "encryptionBlock"),
        ({"encryptionBlock": base64.b64encode(b"x").decode()}, "encryptionBlock"),
        ({"encryptionBlockFields": "card.cardData:16"}, "encryptionBlock"),
        ({"encryptionBlockFields": "card.cardData:-1"}, "encryptionBlockFields"),
        ({"encryptionBlockFields": "card.cardData"}, "encryptionBlockFields"),
        ({"encryptionType": "AES"}, "encryptionType"),
    ],
)
def test_a_capture_that_cannot_be_read_names_its_field(sandbox: Sandbox, changes: Any, field: str) -> None:
    issued = issue(sandbox)
    answer = capture(sandbox, issued, capture_document(issued, **changes))
    assert answer.status == 400
    assert answer.json["error"][0]["type"] == "GATEWAY"
    assert answer.json["error"][0]["field"] == f"source.encryptionData.{field}"


def test_a_wrong_signature_has_the_provider_s_words(sandbox: Sandbox) -> None:
    stranger = Credential("stranger", secret="x" * 32)
    answer = sandbox.signed("commercehub-hmac", stranger, "POST", "/payments/v1/charges", {})
    assert answer.status == 401
    assert answer.json["error"][0]["type"] == "APIM"
    assert answer.json["error"][0]["message"] == "ApiKey and/or Authentication supplied are invalid."
    assert re.fullmatch(r"[0-9a-f-]{32,36}", answer.json["gatewayResponse"]["transactionProcessingDetails"]["apiTraceId"])


def test_a_token_of_one_session_signs_for_no_other_key(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    other = Credential("another-key", token=issued["accessToken"])
    assert sandbox.signed("commercehub-digest", other, "POST", "/payments-vas/v1/card-capture", capture_document(issued)).status == 401


# --- all three ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_served_unsigned_but_the_front(sandbox: Sandbox) -> None:
    for path in (
        "/gateway/v2/payments",
        "/transaction/transfer",
        "/payments/v1/charges",
        "/payments-vas/v1/card-capture",
        "/payments-vas/v1/x",
    ):
        assert sandbox.send("POST", path, {"Content-Type": "application/json"}, b"{}").status == 401
    assert sandbox.send("GET", "/", {}).status == 200
    assert sandbox.send("GET", "/healthz", {}).json == {"status": "ok"}
    assert sandbox.send("GET", "/gateway/v2x", {}).status == 404


def test_no_card_number_code_or_secret_is_kept_or_logged(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert sale(sandbox).status == 200
        assert sale(sandbox, changed(SALE, "transactionAmount.total", -1)).status == 400
        issued = issue(sandbox)
        assert capture(sandbox, issued, capture_document(issued)).status == 200
    keys = re.findall(r'(?:secret|token) = "(.+)"', sandbox.vault.keys_file.read_text())
    assert len(keys) == 4
    hidden = [CARD, issued["accessToken"], *keys]
    kept = b"".join(path.read_bytes() for path in sandbox.vault.folder.glob("sandbox.db*"))
    assert kept.count(b"MASTERCARD") > 0  # the database was really read
    for secret in hidden:
        assert secret.encode() not in kept
        assert secret not in caplog.text
    assert f'"securityCode": "{CODE}"' not in caplog.text
    with sqlite3.connect(sandbox.vault.database_file) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):
                assert CODE not in [str(value) for value in row], table
    database.close()
