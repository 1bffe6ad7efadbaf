"""The shop's own server, as far as a payment needs one: it holds the API secret, begins sessions and charges them.

What it sends goes over HTTP through the sandbox's guards, as any merchant's requests do.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from payseal.credentials import Credential
from payseal.request import Request
from payseal.schemes import scheme
from payseal.server.sandbox.hosted.order import Order, Ticket
from payseal.signing import Signer

__all__ = ["MERCHANT", "Issued", "Merchant", "Outcome", "Unavailable"]

#: The demo shop, as the payment system knows it.
MERCHANT: Final = {"merchantId": "100000000000001", "terminalId": "10000001"}

#: Seconds until an answer is waited for no longer.
_PATIENCE: Final = 10.0
#: A charge without a clear answer is sent again under its own request id, after so long (seconds) each time.
_PAUSES: Final = (0.2, 1.0)
_CREDENTIALS: Final = "/payments-vas/v1/security/credentials"
_CHARGES: Final = "/payments/v1/charges"


class Unavailable(Exception):
    """The payment system gave no answer that says what happened, or refused the shop itself."""


class _Part(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Issued(_Part):
    """A session's credentials, under the payment system's own names."""

    sessionId: str
    keyId: str
    publicKey: str
    accessToken: str = Field(repr=False)
    accessTokenTimeToLive: int


class _Card(_Part):
    scheme: str
    last4: str


class _Source(_Part):
    card: _Card


class _Processor(_Part):
    approvalStatus: str


class _PaymentReceipt(_Part):
    processorResponseDetails: _Processor


class _Details(_Part):
    transactionId: str


class _Gateway(_Part):
    transactionProcessingDetails: _Details


class _Charge(_Part):
    source: _Source
    paymentReceipt: _PaymentReceipt
    gatewayResponse: _Gateway


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a payment ended: ``paid``, ``declined`` or ``expired``; the receipt, a text for each of its lines, when it was paid."""

    status: str
    receipt: dict[str, str]


@dataclass(frozen=True, slots=True)
class Merchant:
    """The shop. ``server`` is the payment system's host and port; ``clock`` gives seconds since the epoch. Its methods wait."""

    credential: Credential
    server: tuple[str, int]
    clock: Callable[[], float]

    def begin(self) -> Issued:
        """Credentials for a new session. Raises `Unavailable`."""
        status, document = self._send(_CREDENTIALS, {"merchantDetails": MERCHANT})
        try:
            return Issued.model_validate(document)
        except ValidationError:
            raise Unavailable(f"{status} where a session was expected") from None

    def charge(self, ticket: Ticket) -> Outcome:
        """Charge the session's card, once, whether this is called or has to ask several times. Raises `Unavailable`."""
        order = ticket.order
        # At most 12 digits: the shortest text of such a float is the amount's own.
        amount = {"total": float(order.total), "currency": order.currency}
        source = {"sourceType": "PaymentSession", "sessionId": ticket.session_id}
        document = {"amount": amount, "source": source, "merchantDetails": MERCHANT}
        status, answer = self._send_until_clear(document, ticket.request_id)
        if status == 201:
            return _charged(order, answer)
        if status == 400 and _field(answer) == "source.sessionId":
            return Outcome("expired", {})
        raise Unavailable(f"{status} where a charge was expected")

    def _send_until_clear(self, document: object, request_id: str) -> tuple[int, Any]:
        for pause in (*_PAUSES, None):
            try:
                status, answer = self._send(_CHARGES, document, request_id)
            except Unavailable:
                if pause is None:
                    raise
            else:
                if pause is None or (status < 500 and status != 409):  # 409: the first attempt has not ended yet
                    return status, answer
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, path: str, document: object, request_id: str | None = None) -> tuple[int, Any]:
        """Status and document of the answer to a signed request."""
        body = json.dumps(document).encode()
        signer = Signer(scheme("commercehub-hmac"), self.credential, clock=self.clock)
        headers = {**signer.sign(Request("POST", path, body=body), nonce=request_id), "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(*self.server, timeout=_PATIENCE)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"no answer ({type(error).__name__})") from None
        finally:
            connection.close()


def _charged(order: Order, answer: Any) -> Outcome:
    try:
        charge = _Charge.model_validate(answer)
    except ValidationError:
        raise Unavailable("201 without a receipt") from None
    if charge.paymentReceipt.processorResponseDetails.approvalStatus != "APPROVED":
        return Outcome("declined", {})
    card = charge.source.card
    receipt = {
        "amount": f"{order.shown} {order.currency}",
        "card": f"{card.scheme} ending in {card.last4}",
        "transaction": charge.gatewayResponse.transactionProcessingDetails.transactionId,
    }
    return Outcome("paid", receipt)


def _field(answer: Any) -> str | None:
    """The field that an error names."""
    try:
        return str(answer["error"][0]["field"])
    except (KeyError, IndexError, TypeError):
        return None
