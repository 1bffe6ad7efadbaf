"""Commerce Hub, first cut: security credentials, card capture, charges on a payment session."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fastapi import APIRouter, FastAPI, Request
from pydantic import Field
from sqlalchemy import RowMapping, insert, select, update

from payseal.credentials import Credential, Identity
from payseal.server.sandbox import cards
from payseal.server.sandbox.commercehub.tables import charges, sessions
from payseal.server.sandbox.faults import stage_of
from payseal.server.sandbox.fiserv.routes import Amount
from payseal.server.sandbox.money import minor_units
from payseal.server.sandbox.provider import Backing, Failure, Model, authenticated, provider_app, trace_id
from payseal.server.sandbox.store import Store

__all__ = ["CAPTURE", "PREFIXES", "application", "find_session_credential"]

PREFIXES: Final = ("/payments-vas/v1", "/payments/v1")
#: The one path that is authenticated with an access token and a message digest.
CAPTURE: Final = "/payments-vas/v1/card-capture"
#: How long an access token and its session live (seconds).
TIME_TO_LIVE: Final = 1800
_KEY_BITS: Final = 2048


class MerchantDetails(Model):
    merchantId: Annotated[str, Field(min_length=1, max_length=40)]
    terminalId: Annotated[str, Field(max_length=40)] | None = None


class CredentialsRequest(Model):
    merchantDetails: MerchantDetails


class EncryptionData(Model):
    encryptionType: Literal["RSA"]
    encryptionTarget: Literal["MANUAL"]
    encryptionBlock: Annotated[str, Field(min_length=1, max_length=1024)]
    encryptionBlockFields: Annotated[str, Field(min_length=1, max_length=512)]
    keyId: str


class CaptureSource(Model):
    sourceType: Literal["PaymentCard"]
    encryptionData: EncryptionData


class CaptureRequest(Model):
    source: CaptureSource
    merchantDetails: MerchantDetails


class ChargeSource(Model):
    sourceType: Literal["PaymentSession"]
    sessionId: str


class ChargeRequest(Model):
    source: ChargeSource
    amount: Amount
    merchantDetails: MerchantDetails | None = None


def _shape(failure: Failure, request: Request) -> dict[str, Any]:
    error: dict[str, Any] = {"type": "GATEWAY", "code": failure.code or "105", "message": failure.message}
    if failure.field:
        error["field"] = failure.field
    return {"gatewayResponse": {"transactionProcessingDetails": {"apiTraceId": trace_id()}}, "error": [error]}


def find_session_credential(backing: Backing, presented: Identity) -> Credential | None:
    """The credential behind an access token: its session's, as long as that lives."""
    if presented.token is None:
        return None
    digest = hashlib.sha256(presented.token.encode()).hexdigest()
    with backing.store.read() as connection:
        row = connection.execute(select(sessions).where(sessions.c.token_sha256 == digest)).mappings().first()
    if row is None or row["used"] is not None:
        return None
    # What has the token's digest is the token: kept nowhere, it is here again because it was sent.
    return Credential(row["keyid"], token=presented.token, account=row["account"], not_after=row["expires"])


def application(backing: Backing) -> FastAPI:
    """The provider's application; the middleware in front of it has authenticated every request."""
    store, vault, routes = backing.store, backing.vault, APIRouter()

    @routes.post("/payments-vas/v1/security/credentials", status_code=201)
    def issue(body: CredentialsRequest, request: Request) -> dict[str, Any]:
        who = authenticated(request)
        session_id, rsa_key_id, now = str(uuid.uuid4()), str(uuid.uuid4()), backing.clock()
        private_key = rsa.generate_private_key(65537, _KEY_BITS)
        token = secrets.token_urlsafe(32)
        plain = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # sealed before it is stored
        with store.write() as connection:
            connection.execute(
                insert(sessions).values(
                    id=session_id,
                    account=who.account,
                    keyid=who.keyid,
                    rsa_key_id=rsa_key_id,
                    token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                    private_key=vault.seal(plain, session_id),
                    expires=now + TIME_TO_LIVE,
                )
            )
        public_key = private_key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return {
            **_gateway(request, "SECURITY_CREDENTIALS", "APPROVED"),
            "keyId": rsa_key_id,
            "publicKey": base64.b64encode(public_key).decode("ascii"),
            "keyLength": _KEY_BITS,
            "accessToken": token,
            "accessTokenType": "Bearer",
            "accessTokenIssuedTime": _timestamp(now),
            "accessTokenTimeToLive": TIME_TO_LIVE,
            "sessionId": session_id,
            "asymmetricEncryptionAlgorithm": "RSA/ECB/PKCS1",
            "expiresAt": _timestamp(now + TIME_TO_LIVE),
        }

    @routes.post("/payments-vas/v1/card-capture")
    def capture(body: CaptureRequest, request: Request) -> dict[str, Any]:
        data = body.source.encryptionData
        session = _session_of(store, request)
        if data.keyId != session["rsa_key_id"]:
            raise Failure(400, "The key id is not the session's.", field="source.encryptionData.keyId")
        key = serialization.load_der_private_key(vault.unseal(session["private_key"], session["id"]), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        card = _card_in(data, key)
        with store.write() as connection:
            kept = connection.execute(
                update(sessions)
                .where(sessions.c.id == session["id"], sessions.c.used.is_(None), sessions.c.expires > backing.clock())
                .values(brand=card.brand, last4=card.last4, expiry=f"{card.month}/{card.year}")
            )
        if kept.rowcount != 1:
            raise Failure(400, "The session has expired or was used.", code="104")
        return {
            **_gateway(request, "TOKENIZE", "AUTHORIZED"),
            "source": {
                "sourceType": "PaymentSession",
                "sessionId": session["id"],
                "card": _card(card.brand, card.last4, f"{card.month}/{card.year}"),
            },
        }

    @routes.post("/payments/v1/charges", status_code=201)
    def charge(body: ChargeRequest, request: Request) -> dict[str, Any]:
        who = authenticated(request)
        session_id, now, charge_id = body.source.sessionId, backing.clock(), uuid.uuid4().hex
        if stage_of(request).meet(minor_units(body.amount.total, body.amount.currency), who.id):
            raise Failure(402, "The card's issuer declined the payment.", code="05")
        with store.write() as connection:  # the session is used up and the charge is made, both or neither
            used = connection.execute(
                update(sessions)
                .where(
                    sessions.c.id == session_id,
                    sessions.c.account == who.account,
                    sessions.c.last4.is_not(None),
                    sessions.c.used.is_(None),
                    sessions.c.expires > now,
                )
                .values(used=now, private_key=b"")  # nothing is left to decrypt
            )
            if used.rowcount != 1:
                raise Failure(400, "There is no payment session with a card under this id, or it was used.", field="source.sessionId")
            session = connection.execute(select(sessions).where(sessions.c.id == session_id)).mappings().one()
            connection.execute(
                insert(charges).values(
                    id=charge_id,
                    account=who.account,
                    session_id=session_id,
                    client_request_id=who.nonce,
                    total=str(body.amount.total),
                    currency=body.amount.currency,
                    created=int(now),
                )
            )
        amount = {"total": float(Decimal(body.amount.total)), "currency": body.amount.currency}
        answer = _gateway(request, "CHARGE", "CAPTURED")
        answer["gatewayResponse"]["transactionProcessingDetails"]["transactionId"] = charge_id
        return {
            **answer,
            "source": {"sourceType": "PaymentSession", "card": _card(session["brand"], session["last4"], session["expiry"])},
            "paymentReceipt": {
                "approvedAmount": amount,
                "processorResponseDetails": {"approvalStatus": "APPROVED", "responseCode": "000", "responseMessage": "APPROVAL"},
            },
        }

    app = provider_app("Commerce Hub (sandbox)", _shape)
    app.include_router(routes)
    return app


def _session_of(store: Store, request: Request) -> RowMapping:
    """The session whose access token this request was authenticated with."""
    token = request.headers["authorization"].removeprefix("Bearer ")
    digest = hashlib.sha256(token.encode()).hexdigest()
    with store.read() as connection:
        return connection.execute(select(sessions).where(sessions.c.token_sha256 == digest)).mappings().one()


def _card_in(data: EncryptionData, key: rsa.RSAPrivateKey) -> cards.KeptCard:
    """What may be kept of the card in the encrypted block. Whatever is wrong with the block has one answer, so that it tells nothing."""
    wrong = Failure(400, "The encryption block cannot be read with this session's key.", field="source.encryptionData.encryptionBlock")
    try:
        block = key.decrypt(base64.b64decode(data.encryptionBlock, validate=True), padding.PKCS1v15()).decode("ascii")
    except (binascii.Error, ValueError):
        raise wrong from None
    fields: dict[str, str] = {}
    for item in data.encryptionBlockFields.split(","):
        name, _, length = item.partition(":")
        if not (length.isascii() and length.isdigit() and len(length) < 4):
            raise Failure(
                400, "Must be a list such as card.cardData:16,card.expirationMonth:2.", field="source.encryptionData.encryptionBlockFields"
            )
        fields[name], block = block[: int(length)], block[int(length) :]
    card = cards.keep(fields.get("card.cardData", ""), fields.get("card.expirationMonth", ""), fields.get("card.expirationYear", ""))
    if card is None or block:
        raise wrong
    return card


def _gateway(request: Request, kind: str, state: str) -> dict[str, Any]:
    return {
        "gatewayResponse": {
            "transactionType": kind,
            "transactionState": state,
            "transactionProcessingDetails": {
                "transactionTimestamp": _timestamp(time.time()),
                "apiTraceId": trace_id(),
                "clientRequestId": authenticated(request).nonce,
            },
        }
    }


def _card(brand: str, last4: str, expiry: str) -> dict[str, str]:
    month, _, year = expiry.partition("/")
    return {"last4": last4, "scheme": brand, "expirationMonth": month, "expirationYear": f"20{year}"}


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
