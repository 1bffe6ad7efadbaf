"""Commerce Hub's sessions and card captures, and how it answers what it cannot take."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from payseal import Credential

from .calls import capture, capture_document, captured_session, charge, hub, issue, of_charge, of_session, query, token_credential
from .conftest import Reply, Sandbox
from .samples import CARD, MERCHANT, changed

CHARGES = "/payments/v1/charges"
FIELDS = "card.cardData:16,card.expirationMonth:2,card.expirationYear:4,card.securityCode:3"


def block(issued: Any, plain: bytes, fields: str) -> dict[str, Any]:
    """A capture of any bytes at all."""
    key = load_der_public_key(base64.b64decode(issued["publicKey"]))
    assert isinstance(key, rsa.RSAPublicKey)
    encrypted = base64.b64encode(key.encrypt(plain, padding.PKCS1v15())).decode()
    return capture_document(issued, encryptionBlock=encrypted, encryptionBlockFields=fields)


def fields_of(answer: Reply) -> list[Any]:
    return [error.get("field") for error in answer.json["error"]]


def test_credentials_have_a_lifetime_and_a_real_key(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    assert (issued["accessTokenTimeToLive"], issued["asymmetricEncryptionAlgorithm"]) == (1800, "RSA/ECB/PKCS1")
    key = load_der_public_key(base64.b64decode(issued["publicKey"]))
    assert isinstance(key, rsa.RSAPublicKey)
    assert (key.key_size, issued["keyLength"]) == (2048, len(issued["publicKey"]))
    other = issue(sandbox)
    assert all(issued[name] != other[name] for name in ("accessToken", "publicKey", "keyId", "sessionId"))


def test_a_captured_card_can_be_charged_once(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    captured = capture(sandbox, issued, capture_document(issued))
    assert captured.status == 200
    assert captured.json["gatewayResponse"]["transactionType"] == "TOKENIZE"
    kept = {"last4": "4444", "scheme": "MASTERCARD", "expirationMonth": "12", "expirationYear": "2031"}
    assert captured.json["source"] == {"sourceType": "PaymentCard", "card": kept}
    assert issued["sessionId"] not in captured.raw.decode()  # a browser asks for captures
    first = charge(sandbox, issued["sessionId"], nonce="charge-1")
    assert (first.status, first.json["paymentReceipt"]["approvedAmount"]) == (201, {"total": 3.0, "currency": "USD"})
    again = charge(sandbox, issued["sessionId"], nonce="charge-1")
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    other = charge(sandbox, issued["sessionId"])
    assert (other.status, fields_of(other)) == (400, ["source.sessionId"])
    # The token ends with the session, and there is nothing left to decrypt with.
    assert capture(sandbox, issued, capture_document(issued)).status == 401
    assert query(sandbox, "select length(private_key) from commercehub_sessions where id = ?", issued["sessionId"]) == [(0,)]


def test_a_session_without_a_card_and_another_s_session_cannot_be_charged(sandbox: Sandbox) -> None:
    for session in (issue(sandbox)["sessionId"], "unknown"):
        answer = charge(sandbox, session)
        assert (answer.status, answer.json["error"][0]["code"]) == (400, "102")
    session = captured_session(sandbox)
    query(sandbox, "update commercehub_sessions set account = 'another' where id = ?", session)
    assert charge(sandbox, session).status == 400


def test_a_session_ends_after_its_half_hour_and_the_next_one_wipes_it(sandbox: Sandbox) -> None:
    issued, session = issue(sandbox), captured_session(sandbox)
    (left,) = query(sandbox, "select expires - strftime('%s', 'now') from commercehub_sessions where id = ?", session)
    assert 1790 < left[0] <= 1801
    query(sandbox, "update commercehub_sessions set expires = 1 where id in (?, ?)", session, issued["sessionId"])
    assert capture(sandbox, issued, capture_document(issued)).status == 401
    assert charge(sandbox, session).status == 400
    issue(sandbox)
    assert query(sandbox, "select id from commercehub_sessions where id in (?, ?)", session, issued["sessionId"]) == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"keyId": "another"}, "keyId", "session's"),
        ({"encryptionBlockFields": "card.cardData:-1"}, "encryptionBlockFields", "number of bytes"),
        ({"encryptionBlockFields": "card.cardData"}, "encryptionBlockFields", "number of bytes"),
        ({"encryptionBlockFields": "card.cardData:0"}, "encryptionBlockFields", "number of bytes"),
        ({"encryptionBlockFields": "card.cardData:٣"}, "encryptionBlockFields", "number of bytes"),
        ({"encryptionBlockFields": "card.cardData:16"}, "encryptionBlockFields", "card.expirationMonth is missing"),
        ({"encryptionBlockFields": f"{FIELDS},card.securityCode:3"}, "encryptionBlockFields", "card.securityCode stands there twice"),
        ({"encryptionBlockFields": f"{FIELDS},card.pin:4"}, "encryptionBlockFields", "card.pin is no field"),
        ({"encryptionBlockFields": f"{FIELDS},"}, "encryptionBlockFields", "none of a card"),
        ({"encryptionBlockFields": f"{CARD}:16"}, "encryptionBlockFields", "none of a card"),
        ({"encryptionType": "AES"}, "encryptionType", "RSA"),
        ({"encryptionTarget": "TRACK_2"}, "encryptionTarget", "MANUAL"),
        ({"encryptionBlock": "A" * 900_000}, "encryptionBlock", "2000"),
        ({"encryptionBlock": 7}, "encryptionBlock", "string"),
        ({"encryptionBlock": "\ud800"}, "encryptionBlock", ""),
    ],
)
def test_a_capture_that_cannot_be_read_names_its_field(sandbox: Sandbox, changes: Any, field: str, said: str) -> None:
    issued = issue(sandbox)
    answer = capture(sandbox, issued, capture_document(issued, **changes))
    assert answer.status == 400
    (error,) = answer.json["error"]
    assert (error["type"], error["code"], error["field"]) == ("GATEWAY", "302", f"source.encryptionData.{field}")
    assert said in error["message"]
    assert CARD not in answer.raw.decode()


def test_whatever_is_wrong_inside_a_block_has_one_answer(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    good, with_name = f"{CARD}122031739".encode(), f"card.nameOnCard:4,{FIELDS}"
    documents = [
        capture_document(issued, encryptionBlock="!!!"),
        capture_document(issued, encryptionBlock=base64.b64encode(b"x").decode()),
        *(capture_document(issued, encryptionBlock=base64.b64encode(bytes([0, n]) + b"x" * 254).decode()) for n in (1, 2, 3, 4)),
        capture_document(issued, encryptionBlock=base64.b64encode(b"\xff" * 256).decode()),
        block(issued, b"", FIELDS),
        block(issued, good[:-1], FIELDS),
        block(issued, good + b"1", FIELDS),
        block(issued, good, FIELDS.replace("16", "15")),
        block(issued, good.replace(b"4444", b"4445"), FIELDS),
        block(issued, good.replace(b"12", b"13", 1), FIELDS),
        block(issued, good.replace(b"739", b"7x9"), FIELDS),
        block(issued, b"\xff" * 25, FIELDS),
        block(issued, b"J\nDo" + good, with_name),
        block(issued, b"J\xffDo" + good, with_name),
    ]
    answers = [capture(sandbox, issued, document) for document in documents]
    assert {answer.status for answer in answers} == {400}
    assert len({json.dumps(answer.json["error"]) for answer in answers}) == 1
    assert fields_of(answers[0]) == ["source.encryptionData.encryptionBlock"]
    # Each of these blocks differs from one that is taken by what is wrong with it.
    assert capture(sandbox, issued, block(issued, good, FIELDS)).status == 200
    assert capture(sandbox, issued, block(issued, "Zoë".encode() + good, with_name)).status == 200


def test_an_expired_card_is_refused_and_says_so(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    answer = capture(sandbox, issued, block(issued, f"{CARD}122021739".encode(), FIELDS))
    assert (answer.status, fields_of(answer), answer.json["error"][0]["code"]) == (400, ["card.expirationYear"], "115")


def test_a_card_may_be_captured_again_before_it_is_charged(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    assert capture(sandbox, issued, capture_document(issued)).status == 200
    assert capture(sandbox, issued, block(issued, b"4242424242424242122035123", FIELDS)).status == 200
    assert charge(sandbox, issued["sessionId"]).json["source"]["card"]["last4"] == "4242"


def test_a_wrong_signature_has_the_provider_s_words(sandbox: Sandbox) -> None:
    stranger = Credential("stranger", secret="x" * 32)
    answer = hub(sandbox, CHARGES, {}, credential=stranger)
    assert answer.status == 401
    assert answer.json["error"][0]["type"] == "APIM"
    assert answer.json["error"][0]["message"] == "ApiKey and/or Authentication supplied are invalid."
    assert re.fullmatch(r"[0-9a-f-]{32,36}", answer.json["gatewayResponse"]["transactionProcessingDetails"]["apiTraceId"])


def test_a_token_of_one_session_signs_for_no_other_key(sandbox: Sandbox) -> None:
    issued = issue(sandbox)
    other = Credential("another-key", token=issued["accessToken"])
    assert sandbox.signed("commercehub-digest", other, "POST", "/payments-vas/v1/card-capture", capture_document(issued)).status == 401


@pytest.mark.parametrize(
    "path", [CHARGES, "/payments/v1/refunds", "/payments/v1/transaction-inquiry", "/payments-vas/v1/security/credentials"]
)
def test_an_access_token_authenticates_card_captures_and_nothing_else(sandbox: Sandbox, path: str) -> None:
    issued = issue(sandbox)
    token = token_credential(sandbox, issued)
    for scheme in ("commercehub-digest", "commercehub-digest-sha256"):
        assert sandbox.signed(scheme, token, "POST", path, {"merchantDetails": MERCHANT}).status == 401
    as_secret = Credential(token.keyid, secret=issued["accessToken"])
    assert hub(sandbox, path, {"merchantDetails": MERCHANT}, credential=as_secret).status == 401


def test_an_api_key_does_not_authenticate_card_captures(sandbox: Sandbox) -> None:
    assert hub(sandbox, "/payments-vas/v1/card-capture", capture_document(issue(sandbox))).status == 401


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("amount.total", -1, "amount.total"),
        ("amount.total", 0, "amount.total"),
        ("amount.total", "3", "amount.total"),
        ("amount.total", True, "amount.total"),
        ("amount.total", None, "amount.total"),
        ("amount.total", [3], "amount.total"),
        ("amount.total", 12.345, "amount.total"),
        ("amount.total", 10**13, "amount.total"),
        ("amount", {"total": 1.5, "currency": "JPY"}, "amount.total"),
        ("amount.currency", "XXX", "amount.currency"),
        ("amount.currency", "usd", "amount.currency"),
        ("amount.currency", 840, "amount.currency"),
        ("amount.currency", "\ud800", "amount.currency"),
        ("amount.currency", ..., "amount.currency"),
        ("amount", ..., "amount"),
        ("amount", "12.04 USD", "amount"),
        ("source", ..., "source"),
        ("source", [], "source"),
        ("source.sourceType", "PaymentCard", "source.sourceType"),
        ("source.sessionId", "s" * 900_000, "source.sessionId"),
        ("source.sessionId", 5, "source.sessionId"),
        ("source.sessionId", "\ud800", "source.sessionId"),
        ("transactionDetails.captureFlag", "yes", "transactionDetails.captureFlag"),
        ("transactionDetails.captureFlag", 1, "transactionDetails.captureFlag"),
        ("merchantDetails", {}, "merchantDetails.merchantId"),
        ("referenceTransactionDetails", {"referenceTransactionId": "x"}, "source"),
    ],
)
def test_a_charge_that_is_not_well_formed_names_its_field(sandbox: Sandbox, path: str, value: Any, field: str) -> None:
    answer = hub(sandbox, CHARGES, changed(of_session("unknown"), path, value))
    assert (answer.status, fields_of(answer)) == (400, [field])
    assert answer.json["gatewayResponse"]["transactionProcessingDetails"]["apiTraceId"]


@pytest.mark.parametrize("total", ["3.000000000000000000001", "0.30000000000000000001", "1e400", "1e-400", "1e99999999999999999999"])
def test_an_amount_is_read_digit_by_digit(sandbox: Sandbox, total: str) -> None:
    document = json.dumps(of_session("unknown", 3)).replace('"total": 3', f'"total": {total}')
    answer = hub(sandbox, CHARGES, raw=document.encode())
    assert answer.status == 400
    assert fields_of(answer) in (["amount.total"], [None])


@pytest.mark.parametrize(
    "raw",
    [b"{", b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1' + b"1" * 5000, b'"x"'],
)
@pytest.mark.parametrize("path", [CHARGES, "/payments/v1/transaction-inquiry"])
def test_what_is_no_json_object_is_said_to_be_none(sandbox: Sandbox, path: str, raw: bytes) -> None:
    answer = hub(sandbox, path, raw=raw)
    assert (answer.status, answer.json["error"][0]["code"], fields_of(answer)) == (400, "121", [None])


def test_every_mistake_is_named_at_once(sandbox: Sandbox) -> None:
    document = changed(changed(of_session("unknown"), "source.sessionId", 5), "amount.total", -1)
    answer = hub(sandbox, CHARGES, document)
    assert {(error["field"], error["code"]) for error in answer.json["error"]} == {("source.sessionId", "102"), ("amount.total", "105")}


@pytest.mark.parametrize(
    ("path", "document", "status", "field"),
    [
        ("cancels", {}, 400, "referenceTransactionDetails"),
        ("cancels", of_charge("x" * 41), 400, "referenceTransactionDetails.referenceTransactionId"),
        ("cancels", of_charge("unknown"), 404, "referenceTransactionDetails.referenceTransactionId"),
        ("refunds", of_charge("unknown"), 404, "referenceTransactionDetails.referenceTransactionId"),
        ("refunds", of_charge("unknown", -1), 400, "amount.total"),
        ("charges", of_charge("unknown"), 404, "referenceTransactionDetails.referenceTransactionId"),
        ("charges", of_charge("unknown", transactionDetails={"captureFlag": False}), 400, "transactionDetails"),
        ("transaction-inquiry", {"referenceTransactionDetails": {}}, 400, "referenceTransactionDetails"),
        ("transaction-inquiry", of_charge("unknown"), 404, "referenceTransactionDetails"),
        ("transaction-inquiry", {"referenceTransactionDetails": {"referenceOrderId": "a", "referenceClientRequestId": "b"}}, 400,
         "referenceTransactionDetails"),
    ],
)  # fmt: skip
def test_what_refers_to_nothing_is_refused(sandbox: Sandbox, path: str, document: Any, status: int, field: str) -> None:
    answer = hub(sandbox, f"/payments/v1/{path}", document)
    assert (answer.status, fields_of(answer)) == (status, [field])


def test_other_methods_paths_and_media_types_have_the_provider_s_shape(sandbox: Sandbox) -> None:
    key = sandbox.vault.demo_keys().commercehub
    answers = {
        405: sandbox.signed("commercehub-hmac", key, "GET", CHARGES),
        404: hub(sandbox, "/payments/v1/nothing", {}),
        415: hub(sandbox, CHARGES, {}, content_type="text/plain"),
    }
    for status, answer in answers.items():
        assert (answer.status, answer.json["error"][0]["code"]) == (status, str(status))
