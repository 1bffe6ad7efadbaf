"""Calls that the tests make, signed."""

from __future__ import annotations

import base64
import json
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


def by_token(sandbox: Sandbox, path: str, credential: Credential | None = None) -> Reply:
    """A GET that carries Startbutton's access token alone."""
    token = (credential or sandbox.vault.demo_keys().startbutton).reveal_token()
    return sandbox.send("GET", path, {"Authorization": f"Bearer {token}"})


def status_of(sandbox: Sandbox, reference: str) -> str:
    """What Startbutton says has become of a transfer."""
    answer = by_token(sandbox, f"/transaction/status/{reference}")
    assert answer.status == 200, answer.raw
    return str(answer.json["data"]["transaction"]["status"])


def wallet_of(sandbox: Sandbox, currency: str, credential: Credential | None = None) -> int:
    """What Startbutton says can be sent."""
    return int(
        next(each["availableBalance"] for each in by_token(sandbox, "/wallet", credential).json["data"] if each["currency"] == currency)
    )


def eventually(found: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + within
    while not found():
        assert time.monotonic() < deadline, f"not so after {within} s"
        time.sleep(0.02)


@dataclass
class Received:
    """A request that a `Receiver` got."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is none."""


class Receiver:
    """A real HTTP server for webhooks. It answers what ``answers`` gives, and 200 when that is at its end."""

    def __init__(self, *answers: int, location: str = "", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        left = list(answers)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers), body))
                self.send_response(left.pop(0) if left else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        """It answers for as long as the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def events(self, reference: str | None = None) -> list[str]:
        """What it was told, in the order in which that came; of one transfer, or of all."""
        told = [json.loads(each.body) for each in self.received]
        return [
            each["event"].removeprefix("transfer.")
            for each in told
            if reference is None or each["data"]["transaction"]["transactionReference"] == reference
        ]


@contextmanager
def receiving(*answers: int, **options: Any) -> Iterator[Receiver]:
    """A receiver for as long as the block runs."""
    with Receiver(*answers, **options).running() as receiver:
        yield receiver


def hub(sandbox: Sandbox, path: str, document: Any = None, *, credential: Credential | None = None, **options: Any) -> Reply:
    """A request to Commerce Hub, signed with an API key; the demo account's where none is given."""
    key = credential or sandbox.vault.demo_keys().commercehub
    return sandbox.signed("commercehub-hmac", key, "POST", path, document, **options)


def captured_session(sandbox: Sandbox) -> str:
    """The id of a session with a card in it."""
    issued = issue(sandbox)
    assert capture(sandbox, issued, capture_document(issued)).status == 200
    session: str = issued["sessionId"]
    return session


def of_session(session: str, total: Any = 12.04, currency: str = "USD", *, capture: bool = True) -> dict[str, Any]:
    """A charge on a session."""
    return {
        "source": {"sourceType": "PaymentSession", "sessionId": session},
        "amount": {"total": total, "currency": currency},
        "transactionDetails": {"captureFlag": capture},
    }


def of_charge(transaction: str, total: Any = None, currency: str = "USD", **more: Any) -> dict[str, Any]:
    """Something that is done to a charge."""
    amount = {} if total is None else {"amount": {"total": total, "currency": currency}}
    return {"referenceTransactionDetails": {"referenceTransactionId": transaction}, **amount, **more}


def transaction_id(answer: Reply) -> str:
    """The id of what was answered."""
    found: str = answer.json["gatewayResponse"]["transactionProcessingDetails"]["transactionId"]
    return found


def query(sandbox: Sandbox, statement: str, *values: Any) -> list[Any]:
    """Ask the sandbox's database, or change it."""
    with sqlite3.connect(sandbox.vault.database_file, timeout=10) as database:
        rows = database.execute(statement, values).fetchall()
    database.close()
    return rows


def fiserv(sandbox: Sandbox, method: str, path: str, document: Any = None, **options: Any) -> Reply:
    keys = sandbox.vault.demo_keys().fiserv
    return sandbox.signed("fiserv-payments", keys, method, f"/gateway/v2{path}", document, **options)
