"""A walk through the three systems over HTTP: good requests, and then tampered, stale and repeated ones.

Every step says what it expects, so that the walk is also a check: each outcome is compared with the expected one.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from payseal.credentials import Credential
from payseal.request import Request
from payseal.schemes import scheme
from payseal.server.vault import DemoKeys
from payseal.signing import Signer

__all__ = ["Step", "walk"]

_STALE: Final = 3600.0  # seconds
#: A published test number: it passes the check digit and belongs to nobody.
_TEST_CARD: Final = {
    "card.cardData": "4242424242424242",
    "card.expirationMonth": "12",
    "card.expirationYear": "2031",
    "card.securityCode": "123",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what came of it."""

    system: str
    sent: str
    expected: str
    came_back: str
    good: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    replayed: bool
    body: dict[str, Any]

    def says(self, *path: str | int) -> Any:
        """The value at a path into the body, or ``None``."""
        value: Any = self.body
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value


@dataclass(frozen=True, slots=True)
class _Signed:
    """A request with its signature: it can be sent as it is, sent again, or spoilt first."""

    port: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def send(self, body: bytes | None = None) -> _Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(self.method, self.path, self.body if body is None else body, self.headers)
            response = connection.getresponse()
            raw = response.read()
            return _Answer(response.status, response.headers.get("Idempotent-Replayed") == "true", json.loads(raw) if raw else {})
        finally:
            connection.close()


def _sign(port: int, signer: Signer, method: str, path: str, document: object = None, *, created: float | None = None) -> _Signed:
    body = b"" if document is None else json.dumps(document).encode()
    headers = signer.sign(Request(method, path, body=body), created=created)
    return _Signed(port, method, path, {**headers, "Content-Type": "application/json"}, body)


def _step(system: str, sent: str, expected: str, answer: _Answer, good: bool, gist: object) -> Step:
    again = " (the first answer again)" if answer.replayed else ""
    return Step(system, sent, expected, f"{answer.status} {'' if gist is None else gist}{again}".strip(), good)


def walk(port: int, keys: DemoKeys) -> Iterator[Step]:
    """Walk through the sandbox on that port with the demo account's keys, a step at a time."""
    yield from _fiserv(port, keys.fiserv)
    yield from _startbutton(port, keys.startbutton)
    yield from _commercehub(port, keys.commercehub)


def _refusals(
    system: str, signed: _Signed, stale: _Signed, spoil: Callable[[bytes], bytes], gist: Callable[[_Answer], object]
) -> Iterator[Step]:
    """A tampered and a stale request. The tampered one is a new signature over the true body, sent with another."""
    answer = signed.send(spoil(signed.body))
    yield _step(system, "the same with its body changed after signing", "401 refused", answer, answer.status == 401, gist(answer))
    answer = stale.send()
    yield _step(system, "signed an hour ago", "401 refused", answer, answer.status == 401, gist(answer))


def _fiserv(port: int, credential: Credential) -> Iterator[Step]:
    system, path, signer = "Fiserv Payments", "/gateway/v2/payments", Signer(scheme("fiserv-payments"), credential)
    card = {"number": _TEST_CARD["card.cardData"], "securityCode": "123", "expiryDate": {"month": "12", "year": "31"}}
    sale = {
        "requestType": "PaymentCardSaleTransaction",
        "transactionAmount": {"total": 12.04, "currency": "EUR"},
        "paymentMethod": {"paymentCard": card},
    }

    def message(answer: _Answer) -> object:
        return f"{answer.says('responseType')}: {answer.says('error', 'message')}"

    paid = _sign(port, signer, "POST", path, sale)
    first = paid.send()
    yield _step(
        system,
        "a signed sale of 12.04 EUR",
        "200 APPROVED",
        first,
        first.says("transactionStatus") == "APPROVED",
        first.says("transactionStatus"),
    )
    payment = first.says("ipgTransactionId")
    answer = _sign(port, signer, "GET", f"{path}/{payment}").send()
    found = answer.status == 200 and answer.says("ipgTransactionId") == payment
    yield _step(system, "a signed inquiry for that sale", "200, the same sale", answer, found, answer.says("transactionStatus"))
    yield from _refusals(
        system,
        _sign(port, signer, "POST", path, sale),
        _sign(port, signer, "POST", path, sale, created=time.time() - _STALE),
        lambda body: body.replace(b"12.04", b"12.05"),
        message,
    )
    again = paid.send()
    same = again.replayed and again.body == first.body
    yield _step(system, "the first sale sent again", "200, no second payment", again, same, again.says("transactionStatus"))
    other = {**sale, "transactionAmount": {"total": 99, "currency": "EUR"}}
    body = json.dumps(other).encode()
    headers = signer.sign(Request("POST", path, body=body), nonce=paid.headers["Client-Request-Id"])
    answer = _Signed(port, "POST", path, {**headers, "Content-Type": "application/json"}, body).send()
    yield _step(system, "another sale under its request id", "422 refused", answer, answer.status == 422, message(answer))


def _startbutton(port: int, credential: Credential) -> Iterator[Step]:
    system, path, signer = "Startbutton", "/transaction/transfer", Signer(scheme("startbutton-transfer"), credential)

    def transfer(amount: int) -> dict[str, Any]:
        # The reference makes two equal transfers in one minute two transfers.
        reference = f"walk{time.time_ns()}"
        return {"amount": amount, "currency": "KES", "country": "Kenya", "MNO": "MPESA", "msisdn": "254700000000", "reference": reference}

    def message(answer: _Answer) -> object:
        return answer.says("message")

    sent = _sign(port, signer, "POST", path, transfer(1000))
    answer = sent.send()
    yield _step(
        system, "a signed transfer of 10.00 KES", "200 processing", answer, answer.says("data") == "processing", answer.says("data")
    )
    yield from _refusals(
        system,
        _sign(port, signer, "POST", path, transfer(1000)),
        _sign(port, signer, "POST", path, transfer(1000), created=time.time() - _STALE),
        lambda body: body.replace(b"1000", b"9000"),
        message,
    )
    answer = sent.send()
    yield _step(system, "the first transfer sent again", "409 refused", answer, answer.status == 409, message(answer))
    answer = _sign(port, signer, "POST", path, transfer(10**14)).send()
    yield _step(system, "a signed transfer of more than there is", "400 refused", answer, answer.status == 400, message(answer))


def _commercehub(port: int, credential: Credential) -> Iterator[Step]:
    system, signer = "Commerce Hub", Signer(scheme("commercehub-hmac"), credential)
    merchant = {"merchantId": "100000000000001", "terminalId": "10000001"}

    def message(answer: _Answer) -> object:
        return answer.says("error", 0, "message")

    issued = _sign(port, signer, "POST", "/payments-vas/v1/security/credentials", {"merchantDetails": merchant}).send()
    session = issued.says("sessionId")
    yield _step(
        system, "a signed request for a session's credentials", "201", issued, issued.status == 201 and bool(session), "session issued"
    )
    if issued.status != 201:
        return
    token = Credential(credential.keyid, token=issued.says("accessToken"))
    digest, path = Signer(scheme("commercehub-digest"), token), "/payments-vas/v1/card-capture"
    public_key = load_der_public_key(base64.b64decode(issued.says("publicKey")))
    assert isinstance(public_key, rsa.RSAPublicKey)
    encryption = {
        "encryptionType": "RSA",
        "encryptionTarget": "MANUAL",
        "encryptionBlock": base64.b64encode(public_key.encrypt("".join(_TEST_CARD.values()).encode(), padding.PKCS1v15())).decode(),
        "encryptionBlockFields": ",".join(f"{name}:{len(value)}" for name, value in _TEST_CARD.items()),
        "keyId": issued.says("keyId"),
    }
    document = {"source": {"sourceType": "PaymentCard", "encryptionData": encryption}, "merchantDetails": merchant}
    captured = _sign(port, digest, "POST", path, document)
    first = captured.send()
    kept = first.says("source", "card", "last4")
    good = first.status == 200 and kept == _TEST_CARD["card.cardData"][-4:]
    yield _step(
        system, "a card capture with its message digest", "200 TOKENIZE", first, good, first.says("gatewayResponse", "transactionType")
    )
    yield from _refusals(
        system,
        _sign(port, digest, "POST", path, document),
        _sign(port, digest, "POST", path, document, created=time.time() - _STALE),
        lambda body: body.replace(b"100000000000001", b"100000000000002"),
        message,
    )
    again = captured.send()
    same = again.replayed and again.body == first.body
    yield _step(
        system, "the first capture sent again", "200, nothing done twice", again, same, again.says("gatewayResponse", "transactionType")
    )
    charge = {"source": {"sourceType": "PaymentSession", "sessionId": session}, "amount": {"total": 12.04, "currency": "USD"}}
    answer = _sign(port, signer, "POST", "/payments/v1/charges", charge).send()
    approval = answer.says("paymentReceipt", "processorResponseDetails", "approvalStatus")
    yield _step(
        system, "a signed charge on that session", "201 APPROVED", answer, answer.status == 201 and approval == "APPROVED", approval
    )
    answer = _sign(port, signer, "POST", "/payments/v1/charges", charge).send()
    yield _step(system, "a second charge on the same session", "400 refused", answer, answer.status == 400, message(answer))
