"""Which requests a collection holds: one table, in the order in which they can be sent, for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

__all__ = ["CALLS", "Call"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``{{name}}`` in its path and in its document is a variable."""

    provider: str
    name: str
    method: str
    path: str
    scheme: str | None  # of the catalogue; None where the access token alone says who is asking
    keys: str  # begins the names of the variables that hold the credential: fiserv_keyid, fiserv_secret
    document: Mapping[str, Any] | None = None
    #: Variables that are made before the request is signed: 32 hexadecimal digits, others each time.
    makes: tuple[str, ...] = ()
    #: Variables that a good answer fills: name → JavaScript, in which ``answer`` is the answer's document.
    keeps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def encrypts(self) -> bool:
        """Whether what it keeps takes the function ``encrypted``."""
        return any("encrypted(" in source for source in self.keeps.values())


#: The usual test number, which belongs to nobody.
_TEST_CARD: Final = {
    "card.cardData": "4111111111111111",
    "card.expirationMonth": "12",
    "card.expirationYear": "2035",
    "card.securityCode": "123",
}
#: How the decrypted block is cut into fields.
_CARD_FIELDS: Final = ",".join(f"{name}:{len(value)}" for name, value in _TEST_CARD.items())

_PAYMENT_CARD: Final = {
    "number": _TEST_CARD["card.cardData"],
    "securityCode": _TEST_CARD["card.securityCode"],
    "expiryDate": {"month": _TEST_CARD["card.expirationMonth"], "year": _TEST_CARD["card.expirationYear"][-2:]},
}
_MERCHANT: Final = {"merchantId": "100000000000001", "terminalId": "10000001"}


def _primary(kind: str) -> dict[str, Any]:
    amount = {"total": 12.04, "currency": "EUR"}
    return {"requestType": kind, "transactionAmount": amount, "paymentMethod": {"paymentCard": _PAYMENT_CARD}}


def _secondary(kind: str, total: float) -> dict[str, Any]:
    return {"requestType": kind, "transactionAmount": {"total": total, "currency": "EUR"}}


def _fiserv(name: str, method: str, path: str, document: Mapping[str, Any] | None = None, **keeps: str) -> Call:
    return Call("Fiserv Payments API", name, method, f"/gateway/v2{path}", "fiserv-payments", "fiserv", document, keeps=keeps)


def _commercehub(name: str, path: str, document: Mapping[str, Any], scheme: str = "commercehub-hmac", **keeps: str) -> Call:
    return Call("Commerce Hub", name, "POST", path, scheme, "commercehub", document, keeps=keeps)


def _startbutton(name: str, path: str) -> Call:
    return Call("Startbutton", name, "GET", path, None, "startbutton")


_REFERENCE: Final = {"referenceTransactionDetails": {"referenceTransactionId": "{{commercehub_transaction}}"}, "merchantDetails": _MERCHANT}
_TRANSACTION: Final = "answer.gatewayResponse.transactionProcessingDetails.transactionId"

CALLS: Final[tuple[Call, ...]] = (
    _fiserv(
        "Sale",
        "POST",
        "/payments",
        _primary("PaymentCardSaleTransaction"),
        fiserv_sale="answer.ipgTransactionId",
        fiserv_order="answer.orderId",
    ),
    _fiserv("Inquiry", "GET", "/payments/{{fiserv_sale}}"),
    _fiserv("Return of a part", "POST", "/payments/{{fiserv_sale}}", _secondary("ReturnTransaction", 2.04)),
    _fiserv("Order", "GET", "/orders/{{fiserv_order}}"),
    _fiserv("Pre-authorisation", "POST", "/payments", _primary("PaymentCardPreAuthTransaction"), fiserv_preauth="answer.ipgTransactionId"),
    _fiserv(
        "Post-authorisation",
        "POST",
        "/payments/{{fiserv_preauth}}",
        _secondary("PostAuthTransaction", 10.5),
        fiserv_postauth="answer.ipgTransactionId",
    ),
    _fiserv("Void", "POST", "/payments/{{fiserv_postauth}}", {"requestType": "VoidTransaction"}),
    _fiserv("Card verification", "POST", "/card-verification", {"paymentCard": _PAYMENT_CARD}),
    _commercehub(
        "Security credentials",
        "/payments-vas/v1/security/credentials",
        {"merchantDetails": _MERCHANT},
        commercehub_session="answer.sessionId",
        commercehub_token="answer.accessToken",  # noqa: S106 - where it stands in the answer
        commercehub_rsa_key="answer.keyId",
        commercehub_block=f'encrypted(answer.publicKey, "{"".join(_TEST_CARD.values())}")',
    ),
    _commercehub(
        "Card capture",
        "/payments-vas/v1/card-capture",
        {
            "source": {
                "sourceType": "PaymentCard",
                "encryptionData": {
                    "encryptionType": "RSA",
                    "encryptionTarget": "MANUAL",
                    "encryptionBlock": "{{commercehub_block}}",
                    "encryptionBlockFields": _CARD_FIELDS,
                    "keyId": "{{commercehub_rsa_key}}",
                },
            },
            "merchantDetails": _MERCHANT,
        },
        "commercehub-digest",
    ),
    _commercehub(
        "Charge",
        "/payments/v1/charges",
        {"source": {"sourceType": "PaymentSession", "sessionId": "{{commercehub_session}}"}, "amount": {"total": 12.04, "currency": "USD"}},
        commercehub_transaction=_TRANSACTION,
    ),
    _commercehub("Transaction inquiry", "/payments/v1/transaction-inquiry", _REFERENCE),
    _commercehub("Cancel of a part", "/payments/v1/cancels", {"amount": {"total": 1.02, "currency": "USD"}, **_REFERENCE}),
    _commercehub("Refund of a part", "/payments/v1/refunds", {"amount": {"total": 2.04, "currency": "USD"}, **_REFERENCE}),
    _startbutton("Wallets", "/wallet"),
    _startbutton("Banks", "/bank/list/GHS"),
    Call(
        "Startbutton",
        "Transfer",
        "POST",
        "/transaction/transfer",
        "startbutton-transfer",
        "startbutton",
        {
            "amount": 1000,
            "currency": "GHS",
            "country": "Ghana",
            "bankCode": "GH01",
            "accountNumber": "0011223344",
            "reference": "{{startbutton_reference}}",
        },
        makes=("startbutton_reference",),
    ),
    _startbutton("Transfer's status", "/transaction/status/{{startbutton_reference}}"),
)
