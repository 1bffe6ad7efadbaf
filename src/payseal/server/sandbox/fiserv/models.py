"""The documents of the Payments API: what may be asked, and what is answered.

Whatever is wrong with a request in itself is found here. The names are the provider's.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from payseal.server.sandbox import cards
from payseal.server.sandbox.fiserv.rules import Kind
from payseal.server.sandbox.money import CURRENCIES, fits, minor_units
from payseal.server.sandbox.provider import Model

__all__ = [
    "Amount",
    "ApprovedAmount",
    "CardVerificationRequest",
    "CardVerificationResponse",
    "DeclinedResponse",
    "ErrorBody",
    "ErrorDetail",
    "ErrorResponse",
    "OrderResponse",
    "PaymentCard",
    "PaymentMethodDetails",
    "PrimaryRequest",
    "ResponseType",
    "SecondaryRequest",
    "State",
    "Status",
    "Transaction",
    "TransactionResponse",
    "UsedCard",
    "UsedCardExpiry",
]


# --- What may be asked -------------------------------------------------------------------------------------------------------------------


class _Asked(Model):
    """A part of a request."""

    @model_validator(mode="before")
    @classmethod
    def _is_an_object(cls, value: Any) -> Any:
        # Where FastAPI validates, anything with attributes would do: a number too.
        if not isinstance(value, dict):
            raise PydanticCustomError("object", "Input should be a JSON object")
        return value


#: More than any amount (major units).
_TOO_MUCH: Final = 1_000_000_000


def _number(value: Any) -> Any:
    """JSON's numbers alone: not the text of one, and not true."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number", "Input should be a number")
    return value


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise PydanticCustomError("currency", "Input should be the code of a supported currency")
    return value


class Amount(_Asked):
    """An amount in major units: 12.04 EUR."""

    currency: Annotated[str, AfterValidator(_known_currency), Field(json_schema_extra={"enum": sorted(CURRENCIES)})]
    total: Annotated[
        Decimal,
        Field(gt=0, lt=_TOO_MUCH, allow_inf_nan=False),
        BeforeValidator(_number),
        WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": _TOO_MUCH}),
    ]

    @field_validator("total")
    @classmethod
    def _has_the_currency_s_decimals(cls, total: Decimal, info: ValidationInfo) -> Decimal:
        currency = info.data.get("currency")  # none where it was itself refused
        if currency is not None and not fits(total, currency):
            raise PydanticCustomError("decimals", "Input should have no more decimals than its currency")
        return total

    @property
    def minor(self) -> int:
        """The amount in the currency's smallest unit."""
        return minor_units(self.total, self.currency)


class ExpiryDate(_Asked):
    """When a card ends: month and year, two digits each."""

    month: Annotated[str, Field(pattern="^(0[1-9]|1[0-2])$")]
    year: Annotated[str, Field(pattern="^[0-9]{2}$")]


def _card_number(value: SecretStr) -> SecretStr:
    # Whether the number is one does not depend on when the card ends.
    if cards.keep(value.get_secret_value(), "12", "99") is None:
        raise PydanticCustomError("card_number", "Input should be a card number: 12 to 19 digits with a right check digit")
    return value


def _security_code(value: SecretStr) -> SecretStr:
    code = value.get_secret_value()
    if not (code.isascii() and code.isdigit() and len(code) in (3, 4)):
        raise PydanticCustomError("security_code", "Input should be 3 or 4 digits")
    return value


class PaymentCard(_Asked):
    """A card. Its number and its security code are looked at and let go."""

    number: Annotated[SecretStr, AfterValidator(_card_number), Field(json_schema_extra={"pattern": "^[0-9]{12,19}$"})]
    securityCode: Annotated[SecretStr, AfterValidator(_security_code), Field(json_schema_extra={"pattern": "^[0-9]{3,4}$"})] | None = None
    expiryDate: ExpiryDate

    def kept(self) -> cards.KeptCard:
        """What may be kept of it."""
        kept = cards.keep(self.number.get_secret_value(), self.expiryDate.month, self.expiryDate.year)
        assert kept is not None  # its parts were checked one by one
        return kept


class PaymentMethod(_Asked):
    """What is paid with."""

    paymentCard: PaymentCard


class Order(_Asked):
    """The merchant's own name for what is paid; left out, the gateway makes one."""

    orderId: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None


class _PrimaryRequest(_Asked):
    requestType: str
    transactionAmount: Amount
    paymentMethod: PaymentMethod
    order: Order | None = None


class SaleRequest(_PrimaryRequest):
    """Takes the amount at once."""

    requestType: Literal["PaymentCardSaleTransaction"]

    @property
    def kind(self) -> Kind:
        """What it makes."""
        return Kind.SALE


class PreAuthRequest(_PrimaryRequest):
    """Holds the amount, to be taken later."""

    requestType: Literal["PaymentCardPreAuthTransaction"]

    @property
    def kind(self) -> Kind:
        """What it makes."""
        return Kind.PREAUTH


class PostAuthRequest(_Asked):
    """Takes a held amount, whole or in part."""

    requestType: Literal["PostAuthTransaction"]
    transactionAmount: Amount

    @property
    def kind(self) -> Kind:
        """What it makes."""
        return Kind.POSTAUTH


class VoidRequest(_Asked):
    """Undoes a transaction. The amount may be left out; it is all of it."""

    requestType: Literal["VoidTransaction"]
    transactionAmount: Amount | None = None

    @property
    def kind(self) -> Kind:
        """What it makes."""
        return Kind.VOID


class ReturnRequest(_Asked):
    """Gives back what was taken, whole or in part."""

    requestType: Literal["ReturnTransaction"]
    transactionAmount: Amount

    @property
    def kind(self) -> Kind:
        """What it makes."""
        return Kind.RETURN


PrimaryRequest: TypeAlias = Annotated[SaleRequest | PreAuthRequest, Field(discriminator="requestType")]
SecondaryRequest: TypeAlias = Annotated[PostAuthRequest | VoidRequest | ReturnRequest, Field(discriminator="requestType")]


class CardVerificationRequest(_Asked):
    """Asks about a card; no money moves."""

    paymentCard: PaymentCard


# --- What is answered --------------------------------------------------------------------------------------------------------------------


class ResponseType(StrEnum):
    """What kind of answer an error is."""

    BAD_REQUEST = "BadRequest"
    UNAUTHENTICATED = "Unauthenticated"
    UNAUTHORIZED = "Unauthorized"
    NOT_FOUND = "NotFound"
    GATEWAY_DECLINED = "GatewayDeclined"
    ENDPOINT_DECLINED = "EndpointDeclined"
    SERVER_ERROR = "ServerError"
    ENDPOINT_COMMUNICATION_ERROR = "EndpointCommunicationError"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"


class Status(StrEnum):
    """How a request for a transaction ended."""

    APPROVED = "APPROVED"
    WAITING = "WAITING"
    PARTIAL = "PARTIAL"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    PROCESSING_FAILED = "PROCESSING_FAILED"
    DECLINED = "DECLINED"


class State(StrEnum):
    """Where a transaction is now."""

    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    CHECKED = "CHECKED"


class _Answer(Model):
    clientRequestId: Annotated[str | None, Field(description="The request's Client-Request-Id.")]
    apiTraceId: Annotated[str, Field(description="An id of this answer.")]
    responseType: Annotated[ResponseType | None, Field(description="Which error this is; null where it is none.")] = None


class ApprovedAmount(Model):
    """An amount in major units."""

    # Of twelve digits a float gives back every one.
    total: Annotated[Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
    currency: str


class UsedCardExpiry(Model):
    """When the card ends."""

    month: str
    year: str


class UsedCard(Model):
    """What is known of the card afterwards."""

    brand: str
    last4: str
    expiryDate: UsedCardExpiry


class PaymentMethodDetails(Model):
    """What was paid with."""

    paymentCard: UsedCard
    paymentMethodType: Literal["PAYMENT_CARD"] = "PAYMENT_CARD"


class Transaction(Model):
    """A transaction as it is on record."""

    ipgTransactionId: str
    orderId: str
    transactionType: Kind
    transactionTime: Annotated[int, Field(description="Seconds since 1970, UTC.")]
    approvedAmount: ApprovedAmount
    transactionStatus: Status
    transactionState: State
    paymentMethodDetails: PaymentMethodDetails


class TransactionResponse(Transaction, _Answer):
    """The answer about one transaction."""


class OrderResponse(_Answer):
    """The answer about an order: its transactions, oldest first."""

    orderId: str
    transactions: list[Transaction]


class CardVerificationResponse(_Answer):
    """The answer about a card. There is no transaction behind it."""

    transactionTime: Annotated[int, Field(description="Seconds since 1970, UTC.")]
    transactionStatus: Status
    transactionState: State
    paymentMethodDetails: PaymentMethodDetails


class ErrorDetail(Model):
    """One field that is wrong."""

    field: str
    message: str


class ErrorBody(Model):
    """What is wrong."""

    code: str
    message: str
    details: Annotated[list[ErrorDetail] | None, Field(description="Every field that is wrong; left out where it is none.")] = None


class ErrorResponse(_Answer):
    """The answer to a request that is refused."""

    error: ErrorBody


class DeclinedResponse(ErrorResponse):
    """The answer to a payment that is declined. An id that was used for another request gets the same status, without these fields."""

    transactionType: Kind | None = None
    transactionTime: int | None = None
    transactionStatus: Status | None = None
