"""Clients that pay while everything around them falls over: each writes down what it sent and what came of it.

A connection that is closed and an answer of 5xx are tried again, with the same id and the same bytes. A 409 that says in flight is tried a
few times more. At last the provider is asked what became of it, where it can be asked; Startbutton, which gives no answer twice, before
every other try.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from attacks.sending import CLOSED, HOST, SILENT, Answer, Client

from payseal import Credential, Request, Signer, scheme
from payseal.clients.cardblock import encrypt_card
from payseal.server.vault import DemoKeys

__all__ = ["COMMERCEHUB", "FISERV", "PATIENCE", "STARTBUTTON", "Attempt", "Payers", "Payment", "code_of"]

FISERV: Final = "fiserv"
COMMERCEHUB: Final = "commercehub"
STARTBUTTON: Final = "startbutton"

#: Seconds that a client waits for an answer or for the end of its connection.
PATIENCE: Final = 30.0
#: Seconds for which one payment is tried, and between two tries.
_TRIES: Final = 25.0
_PAUSE: Final = 0.1
#: Seconds between a client's payments.
_BETWEEN: Final = 0.05
#: How often a client is told that its payment is in flight before it leaves it in doubt.
_IN_FLIGHT: Final = 4

_CARD: Final = {"number": "4242424242424242", "expiration_month": "12", "expiration_year": "2031", "security_code": "123"}
_MERCHANT: Final = {"merchantId": "100000000000001", "terminalId": "10000001"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Bytes that were sent and what came back. ``began`` and ``ended`` are of `time.monotonic`; ``status`` may be `CLOSED` or `SILENT`."""

    began: float
    ended: float
    status: int
    replayed: bool = False
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        """Whether the client was told that it has paid."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Payment:
    """One request that must be carried out once at most. ``key`` is what the store knows it by; ``moves`` says whether it moves money, and
    so is a row of its own there. ``inquiry`` asks what became of it, where the provider can be asked; ``found`` is what was said."""

    provider: str
    key: str
    minor: int
    data: bytes = field(repr=False)
    inquiry: bytes = field(default=b"", repr=False)
    moves: bool = True
    attempts: list[Attempt] = field(default_factory=list)
    inquiries: list[Attempt] = field(default_factory=list)
    found: bool | None = None

    @property
    def answer(self) -> Attempt | None:
        """What told the client that it has paid."""
        return next((each for each in self.attempts if each.accepted), None)


def code_of(body: bytes) -> str:
    """What a refusal of the sandbox says was wrong; empty where it says nothing."""
    try:
        return str(json.loads(body)["payseal"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


class Payers:
    """Threads that pay at one sandbox until the block ends: ``count`` of them, at all three providers in turn. ``clock`` gives the time
    that their requests are signed with."""

    def __init__(self, port: int, keys: DemoKeys, count: int, clock: Callable[[], float] = time.time) -> None:
        self.port, self._keys, self._clock = port, keys, clock
        self.journal: list[Payment] = []
        #: What went wrong in a payer itself.
        self.errors: list[BaseException] = []
        self._closing = threading.Event()
        self._numbers = itertools.count(1)
        makers: Sequence[Callable[[Line], None]] = (self._sale, self._transfer, self._charge)
        self._threads = [threading.Thread(target=self._run, args=(makers[number % 3],)) for number in range(count)]

    def __enter__(self) -> Payers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def accepted_since(self, moment: float, providers: Sequence[str] = (FISERV, COMMERCEHUB, STARTBUTTON)) -> float | None:
        """When, after that moment, each of the providers had accepted a payment that was sent after it; ``None`` if one has not yet."""
        first: dict[str, float] = {}
        for payment in reversed(list(self.journal)):
            for attempt in list(payment.attempts):
                if payment.moves and attempt.began >= moment and attempt.accepted:
                    first[payment.provider] = min(attempt.ended, first.get(payment.provider, attempt.ended))
            if payment.attempts and payment.attempts[0].began < moment - _TRIES - PATIENCE:
                break
        return max(first[each] for each in providers) if all(each in first for each in providers) else None

    def wait(self, seconds: float) -> None:
        """Let them pay. Raises what went wrong in one of them."""
        time.sleep(seconds)
        if self.errors:
            raise self.errors[0]

    def again(self, payments: Sequence[Payment], connections: int = 4) -> None:
        """Send each of them once more, the same bytes, and write down what comes of it. After the block."""
        left = iter(list(payments))
        turn = threading.Lock()

        def send() -> None:
            line = Line(self.port)
            while True:
                with turn:
                    payment = next(left, None)
                if payment is None:
                    break
                payment.attempts.append(line.exchange(payment.data))
            line.close()

        threads = [threading.Thread(target=send) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _run(self, make: Callable[[Line], None]) -> None:
        line = Line(self.port)
        try:
            while not self._closing.is_set():
                make(line)
                self._closing.wait(_BETWEEN)
        except BaseException as error:
            self.errors.append(error)
        finally:
            line.close()

    def _pay(self, line: Line, payment: Payment) -> Attempt | None:
        """Send it, and again where that is right; the answer that says it is paid, if there was one."""
        self.journal.append(payment)
        until, in_flight = time.monotonic() + _TRIES, 0
        while True:
            attempt = line.exchange(payment.data)
            payment.attempts.append(attempt)
            code = code_of(attempt.body) if attempt.status == 409 else ""
            in_flight += code == "in-flight"
            if attempt.accepted or not (attempt.status in (CLOSED, 409) or attempt.status >= 500):
                break
            if (
                (attempt.status == 409 and code != "in-flight")
                or in_flight >= _IN_FLIGHT
                or time.monotonic() > until
                or self._closing.is_set()
            ):
                payment.found = self._ask(line, payment)
                break
            self._closing.wait(_PAUSE)
            if payment.provider == STARTBUTTON and self._ask(line, payment):
                payment.found = True
                break
        return payment.answer

    def _ask(self, line: Line, payment: Payment) -> bool | None:
        """Whether the provider says that it is there; ``None`` where it cannot be asked, or does not say."""
        if not payment.inquiry:
            return None
        payment.inquiries.append(line.exchange(payment.inquiry))
        return {200: True, 404: False}.get(payment.inquiries[-1].status)

    # --- what is paid ---

    def _sale(self, line: Line) -> None:
        """A sale of the Payments API; every second one under an order of its own, which can be asked for."""
        number, credential = next(self._numbers), self._keys.fiserv
        minor = 100 + number % 9000
        card = {"number": _CARD["number"], "securityCode": "123", "expiryDate": {"month": "12", "year": "31"}}
        document: dict[str, Any] = {
            "requestType": "PaymentCardSaleTransaction",
            "transactionAmount": {"total": minor / 100, "currency": "EUR"},
            "paymentMethod": {"paymentCard": card},
        }
        inquiry = b""
        if number % 2:
            order = f"order-{uuid.uuid4()}"
            document["order"] = {"orderId": order}
            inquiry, _ = self._signed("fiserv-payments", credential, "GET", f"/gateway/v2/orders/{order}")
        data, key = self._signed("fiserv-payments", credential, "POST", "/gateway/v2/payments", document)
        self._pay(line, Payment(FISERV, key, minor, data, inquiry))

    def _transfer(self, line: Line) -> None:
        """A transfer of Startbutton; every second one with a reference, which can be asked for. All are told by their recipient's name."""
        number, credential = next(self._numbers), self._keys.startbutton
        minor, name, reference = 100 + number % 900, f"payee {uuid.uuid4()}", uuid.uuid4().hex
        document = {
            "amount": minor,
            "currency": "UGX",
            "country": "Uganda",
            "MNO": "MTN",
            "msisdn": "256700000000",
            "accountName": name,
            **({"reference": reference} if number % 2 else {}),
        }
        token = f"Authorization: Bearer {credential.reveal_token()}\r\n"
        inquiry = _request("GET", f"/transaction/status/{reference}", token) if number % 2 else b""
        data, _ = self._signed("startbutton-transfer", credential, "POST", "/transaction/transfer", document)
        self._pay(line, Payment(STARTBUTTON, name, minor, data, inquiry))

    def _charge(self, line: Line) -> None:
        """A charge of Commerce Hub: a session, a card laid into it, and the charge. Where one step stays in doubt the next is not taken."""
        credential, name, minor = self._keys.commercehub, "commercehub-hmac", 100 + next(self._numbers) % 9000
        data, key = self._signed(name, credential, "POST", "/payments-vas/v1/security/credentials", {"merchantDetails": _MERCHANT})
        began = self._pay(line, Payment(COMMERCEHUB, key, 0, data, moves=False))
        if began is None:
            return
        session = json.loads(began.body)
        token = Credential(credential.keyid, token=session["accessToken"])
        data, key = self._signed("commercehub-digest", token, "POST", "/payments-vas/v1/card-capture", _captured(session))
        if self._pay(line, Payment(COMMERCEHUB, key, 0, data, moves=False)) is None:
            return
        source = {"sourceType": "PaymentSession", "sessionId": session["sessionId"]}
        document = {"source": source, "amount": {"total": minor / 100, "currency": "USD"}, "transactionDetails": {"captureFlag": True}}
        data, key = self._signed(name, credential, "POST", "/payments/v1/charges", document)
        self._pay(line, Payment(COMMERCEHUB, key, minor, data))

    def _signed(self, name: str, credential: Credential, method: str, path: str, document: object = None) -> tuple[bytes, str]:
        """The bytes of a request with its signature, and its id."""
        body = b"" if document is None else json.dumps(document).encode()
        nonce = None if name == "startbutton-transfer" else str(uuid.uuid4())
        headers = Signer(scheme(name), credential).sign(Request(method, path, body=body), created=self._clock(), nonce=nonce)
        return _request(method, path, "".join(f"{name}: {value}\r\n" for name, value in headers.items()), body), nonce or ""


class Line:
    """A connection that is kept alive, and made anew when it is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: Client | None = None

    def exchange(self, data: bytes) -> Attempt:
        """Send the bytes of one request, and wait for what comes of it."""
        began = time.monotonic()
        try:
            if self._client is None:
                self._client = Client(self._port, PATIENCE)
            self._client.send(data)
            answer = self._client.answer()
        except TimeoutError:
            self.close()
            return Attempt(began, time.monotonic(), SILENT)
        except OSError:
            answer = None
        if answer is None or b"connection: close" in answer.head.lower():
            self.close()
        return _attempt(began, answer)

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _attempt(began: float, answer: Answer | None) -> Attempt:
    if answer is None:
        return Attempt(began, time.monotonic(), CLOSED)
    return Attempt(began, time.monotonic(), answer.status, b"\r\nidempotent-replayed: true" in answer.head.lower(), answer.body)


def _request(method: str, path: str, headers: str, body: bytes = b"") -> bytes:
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n{headers}{length}\r\n".encode("latin-1") + body


def _captured(session: dict[str, Any]) -> dict[str, Any]:
    """A card, encrypted for the session."""
    data = encrypt_card(session, **_CARD)
    return {"source": {"sourceType": "PaymentCard", "encryptionData": data}, "merchantDetails": _MERCHANT}
