"""Calls that the tests make, signed."""

from __future__ import annotations

import base64
import sqlite3
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from payseal import Credential

from .conftest import Reply, Sandbox
from .samples import CARD, CODE, MERCHANT, SALE


def sale(sandbox: Sandbox, document: Any = SALE, **options: Any) -> Reply:
    return sandbox.signed("fiserv-payments", sandbox.vault.demo_keys().fiserv, "POST", "/gateway/v2/payments", document, **options)


def transfer(sandbox: Sandbox, document: Any, **options: Any) -> Reply:
    return sandbox.signed(
        "startbutton-transfer", sandbox.vault.demo_keys().startbutton, "POST", "/transaction/transfer", document, **options
    )


def balance(sandbox: Sandbox, currency: str) -> int:
    with sqlite3.connect(sandbox.vault.database_file) as database:
        (found,) = database.execute("select balance from startbutton_wallets where currency = ?", [currency]).fetchone()
    database.close()
    return int(found)


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
