"""Documents that the tests send, and how they change them."""

from __future__ import annotations

import json
from typing import Any

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


PREAUTH = {**SALE, "requestType": "PaymentCardPreAuthTransaction"}


def secondary(kind: str, total: float | None = None, currency: str = "EUR") -> dict[str, Any]:
    """A secondary transaction of the Payments API: ``PostAuth``, ``Void`` or ``Return``."""
    amount = {} if total is None else {"transactionAmount": {"total": total, "currency": currency}}
    return {"requestType": f"{kind}Transaction", **amount}
