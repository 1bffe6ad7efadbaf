"""Commerce Hub's JSON: what is asked and what is answered. What gets past these is well formed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from payseal.server.sandbox.commercehub.amounts import Amount
from payseal.server.sandbox.provider import Model

__all__ = [
    "CancelRequest",
    "CaptureAnswer",
    "CaptureRequest",
    "Card",
    "ChargeRequest",
    "CredentialsAnswer",
    "CredentialsRequest",
    "EncryptionData",
    "ErrorAnswer",
    "ErrorItem",
    "GatewayResponse",
    "InquiryRequest",
    "PaymentReceipt",
    "ProcessingDetails",
    "ProcessorResponse",
    "RefundRequest",
    "SessionSource",
    "Source",
    "TransactionAnswer",
]

_Id = Annotated[str, Field(min_length=1, max_length=40)]
_LongId = Annotated[str, Field(min_length=1, max_length=128)]


def _flag(value: object) -> object:
    """The provider's tables have it as text, its examples as a boolean."""
    return value == "true" if value in ("true", "false") else value


_Flag = Annotated[
    bool,
    Field(strict=True),
    BeforeValidator(_flag),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["true", "false"]}], "default": True}),
]


# What is asked.


class MerchantDetails(Model):
    """Who sells, and where."""

    merchantId: _Id
    terminalId: Annotated[str, Field(max_length=40)] | None = None


class CredentialsRequest(Model):
    """Begin a session."""

    merchantDetails: MerchantDetails


class EncryptionData(Model):
    """A card, encrypted with the session's public key (RSA, PKCS#1 v1.5), and how the decrypted block is cut."""

    encryptionType: Literal["RSA"]
    encryptionTarget: Literal["MANUAL"]
    encryptionBlock: Annotated[str, Field(min_length=1, max_length=2000, description="Base64")]
    encryptionBlockFields: Annotated[
        str, Field(min_length=1, max_length=256, examples=["card.cardData:16,card.expirationMonth:2,card.expirationYear:4"])
    ]
    keyId: Annotated[str, Field(min_length=1, max_length=64)]


class CaptureSource(Model):
    """What is captured."""

    sourceType: Literal["PaymentCard"]
    encryptionData: EncryptionData


class CaptureRequest(Model):
    """Lay a card into the session whose access token signs this request."""

    source: CaptureSource
    merchantDetails: MerchantDetails


class SessionSource(Model):
    """The card that lies in a session."""

    sourceType: Literal["PaymentSession"]
    sessionId: Annotated[str, Field(min_length=1, max_length=64)]


class ChargeDetails(Model):
    """``captureFlag`` false authorises only."""

    captureFlag: _Flag = True


class Reference(Model):
    """The charge that is meant: its ``transactionId``."""

    referenceTransactionId: _Id


class ChargeRequest(Model):
    """Charge a session (``source``), or capture a charge that was only authorised (``referenceTransactionDetails``)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": {"sourceType": "PaymentSession", "sessionId": "0b0a1c9e-6a8e-4c62-9d0c-4f1f6f1d2a11"},
                    "amount": {"total": 12.04, "currency": "USD"},
                    "transactionDetails": {"captureFlag": True},
                },
                {
                    "referenceTransactionDetails": {"referenceTransactionId": "5a1f0c0e5d0f4b8f9c3de0b6a2f7c911"},
                    "amount": {"total": 12.04, "currency": "USD"},
                    "transactionDetails": {"captureFlag": True},
                },
            ]
        }
    )

    referenceTransactionDetails: Reference | None = None
    source: Annotated[SessionSource | None, Field(validate_default=True)] = None
    transactionDetails: ChargeDetails = ChargeDetails()
    amount: Annotated[Amount | None, Field(validate_default=True)] = None
    merchantDetails: MerchantDetails | None = None

    # A field that did not pass is not in `info.data`, and has its own error.

    @field_validator("source")
    @classmethod
    def _one_of_two(cls, source: SessionSource | None, info: ValidationInfo) -> SessionSource | None:
        if "referenceTransactionDetails" in info.data and (info.data["referenceTransactionDetails"] is None) == (source is None):
            raise PydanticCustomError("source", "Give either the source of a charge, or the referenceTransactionDetails of a capture")
        return source

    @field_validator("transactionDetails")
    @classmethod
    def _captures(cls, details: ChargeDetails, info: ValidationInfo) -> ChargeDetails:
        if info.data.get("referenceTransactionDetails") is not None and not details.captureFlag:
            raise PydanticCustomError("capture", "A capture has the captureFlag true")
        return details

    @field_validator("amount")
    @classmethod
    def _of_a_charge(cls, amount: Amount | None, info: ValidationInfo) -> Amount | None:
        if amount is None and info.data.get("source") is not None:
            raise PydanticCustomError("missing", "Field required")
        return amount


class ReversalDetails(Model):
    """Why; for the provider's records."""

    reversalReasonCode: Annotated[str, Field(max_length=40)] | None = None


class CancelRequest(Model):
    """Cancel a charge: the whole of it, or with an amount a part."""

    referenceTransactionDetails: Reference
    amount: Amount | None = None
    transactionDetails: ReversalDetails | None = None
    merchantDetails: MerchantDetails | None = None


class RefundRequest(Model):
    """Refund a captured charge: the whole of it, or with an amount a part."""

    referenceTransactionDetails: Reference
    amount: Amount | None = None
    merchantDetails: MerchantDetails | None = None


class InquiryReference(Model):
    """One transaction, all of one order, or all that one request made. Exactly one of the three is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"referenceTransactionId": "5a1f0c0e5d0f4b8f9c3de0b6a2f7c911"}]})

    referenceTransactionId: _Id | None = None
    referenceOrderId: _LongId | None = None
    referenceClientRequestId: _LongId | None = None

    @model_validator(mode="after")
    def _one(self) -> InquiryReference:
        if len([each for each in (self.referenceTransactionId, self.referenceOrderId, self.referenceClientRequestId) if each]) != 1:
            raise PydanticCustomError("one", "Give one of referenceTransactionId, referenceOrderId and referenceClientRequestId")
        return self


class InquiryRequest(Model):
    """Ask what became of something."""

    referenceTransactionDetails: InquiryReference
    merchantDetails: MerchantDetails | None = None


# What is answered.


class ProcessingDetails(Model):
    """How an answer is quoted to the provider."""

    transactionTimestamp: str | None = None
    orderId: str | None = None
    apiTraceId: str
    clientRequestId: str | None = None
    transactionId: str | None = None


class GatewayResponse(Model):
    """What it was and what became of it."""

    transactionType: Literal["CHARGE", "CANCEL", "REFUND", "TOKENIZE"] | None = None
    transactionState: Literal["AUTHORIZED", "CAPTURED", "DECLINED", "VOIDED"] | None = None
    transactionOrigin: Literal["ECOM"] | None = None
    transactionProcessingDetails: ProcessingDetails


class CredentialsAnswer(Model):
    """A session: its public key, its access token and its end."""

    gatewayResponse: GatewayResponse
    keyId: str
    publicKey: Annotated[str, Field(description="SubjectPublicKeyInfo (DER), Base64")]
    keyLength: Annotated[int, Field(description="Characters of publicKey")]
    accessToken: Annotated[str, Field(repr=False)]
    accessTokenType: Literal["BEARER"] = "BEARER"
    accessTokenIssuedTime: str
    accessTokenTimeToLive: Annotated[int, Field(description="Seconds")]
    sessionId: str
    asymmetricEncryptionAlgorithm: Literal["RSA/ECB/PKCS1"] = "RSA/ECB/PKCS1"
    expiresAt: str


class Card(Model):
    """What may be told of a card."""

    last4: str
    scheme: str
    expirationMonth: str
    expirationYear: str


class Source(Model):
    """What was paid with."""

    sourceType: Literal["PaymentCard", "PaymentSession"]
    card: Card


class CaptureAnswer(Model):
    """The card lies in the session. Without the session's id, which is not for the browser that asks."""

    gatewayResponse: GatewayResponse
    source: Source


class ProcessorResponse(Model):
    """The processor's decision."""

    approvalStatus: Literal["APPROVED", "DECLINED"]
    approvalCode: str | None = None
    responseCode: str
    responseMessage: str


class PaymentReceipt(Model):
    """``approvedAmount`` is missing where nothing was approved."""

    approvedAmount: Amount | None = None
    processorResponseDetails: ProcessorResponse


class TransactionAnswer(Model):
    """A charge, a capture, a cancel or a refund."""

    gatewayResponse: GatewayResponse
    source: Source
    paymentReceipt: PaymentReceipt


class ErrorItem(Model):
    """One thing that is wrong."""

    type: Literal["GATEWAY", "APIM"] = "GATEWAY"
    code: str
    field: str | None = None
    message: str


class ErrorAnswer(Model):
    """The provider's error body."""

    gatewayResponse: GatewayResponse
    error: list[ErrorItem]
