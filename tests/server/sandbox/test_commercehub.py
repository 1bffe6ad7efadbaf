"""Commerce Hub answers and fails in its provider's own shape."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from payseal import Credential

from .calls import capture, capture_document, charge, issue
from .conftest import Sandbox


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
