"""What is sent under load: payments of the three systems, signed well, and everything that is wrong with one, as bytes made ahead."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

from attacks.sending import Prepared

from payseal import Credential, Request, Signer, scheme
from payseal.server.vault import DemoKeys

__all__ = ["GOOD", "KINDS", "MAX_BODY", "REPEATED", "Maker", "http"]

#: What the sandbox takes (bytes).
MAX_BODY: Final = 1_048_576
#: What each kind is, and how many of a thousand it is. The good ones are payments; the repeated ones are good ones again.
KINDS: Final = {
    "fiserv": ("good sales (Fiserv)", 190),
    "startbutton": ("good transfers (Startbutton)", 190),
    "commercehub": ("good refunds (Commerce Hub)", 60),
    "again": ("the same request again", 80),
    "at once": ("the same request on four connections at once", 40),
    "tampered": ("body changed after signing", 150),
    "unknown key": ("signed with a key that nobody has", 90),
    "stale": ("signed an hour ago", 70),
    "malformed": ("malformed headers", 70),
    "declared": ("10 MiB announced, none of it sent", 10),
    "ten": ("10 MiB sent", 4),
    "endless": ("a chunked body of more than 1 MiB without an end", 6),
    "garbage": ("bytes that are not HTTP", 40),
}
GOOD: Final = ("fiserv", "startbutton", "commercehub")
REPEATED: Final = ("again", "at once")
_BAD: Final = tuple(kind for kind in KINDS if kind not in (*GOOD, *REPEATED))

_SALE: Final = {
    "requestType": "PaymentCardSaleTransaction",
    "transactionAmount": {"total": 12.04, "currency": "EUR"},
    "paymentMethod": {"paymentCard": {"number": "5555555555554444", "securityCode": "123", "expiryDate": {"month": "12", "year": "31"}}},
}
_TRANSFER: Final = {"amount": 1, "currency": "KES", "country": "Kenya", "MNO": "MPESA", "msisdn": "254700000000"}
_TEN_MIB: Final = bytes(10 * MAX_BODY)
_ENDLESS: Final = b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 17
_NOT_HTTP: Final = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 200,  # how TLS begins
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"\0" * 64 + b"\r\n\r\n",
    b"POST /gateway/v2/payments HTTP/9.9\r\n\r\n",
    b"POST /gateway/v2/payments HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"\r\n\r\n{}\r\n\r\n",
)
#: What is done to one header of a well signed request.
_SPOILT: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("Timestamp", lambda value: f"{value}.5"),
    ("Timestamp", lambda value: "tomorrow"),
    ("Client-Request-Id", lambda value: f"{value}/.."),
    ("Message-Signature", lambda value: value[:-1] + "\x80"),
    ("Message-Signature", lambda value: "A" * 9000),
    ("Message-Signature", lambda value: ""),
    ("Api-Key", lambda value: f"{value}, {value}"),
)


def http(method: str, path: str, headers: dict[str, str], body: bytes = b"", *, framing: bytes | None = None) -> bytes:
    """A request as it is sent. ``framing`` stands for the header that says how long the body is, and for what follows."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{method} {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/json\r\n{lines}".encode("latin-1")
    return head + (b"Content-Length: %d\r\n\r\n" % len(body) + body if framing is None else framing)


class Maker:
    """Makes them with the demo account's keys; ``charges`` are what can be refunded at Commerce Hub. Always the same for one ``seed``."""

    def __init__(self, keys: DemoKeys, charges: list[str], seed: int = 8) -> None:
        named_by_token = {"Authorization": "Bearer {token}"}
        self._signers = {
            "fiserv": Signer(scheme("fiserv-payments"), keys.fiserv),
            "startbutton": Signer(scheme("startbutton-transfer", headers=named_by_token), keys.startbutton),
            "commercehub": Signer(scheme("commercehub-hmac"), keys.commercehub),
        }
        self._stranger = Signer(scheme("fiserv-payments"), Credential(keyid="nobodys-key", secret="nobodys-secret"))
        self._charges, self._random = charges, random.Random(seed)

    def good(self, kind: str, *, created: float | None = None) -> tuple[str, str, str, dict[str, str], bytes]:
        """A payment signed now: its key, method, path, headers and body."""
        key, document, path = self._payment(kind)
        body = json.dumps(document).encode()
        nonce = None if kind == "startbutton" else key
        headers = self._signers[kind].sign(Request("POST", path, body=body), created=created, nonce=nonce)
        return key, "POST", path, headers, body

    def prepared(self, kind: str) -> Prepared:
        """One of a kind that is not a repetition."""
        if kind == "garbage":
            return Prepared(kind, "", self._random.choice(_NOT_HTTP))
        of = kind if kind in GOOD else "fiserv" if kind in ("malformed", "unknown key") else self._random.choice(GOOD)
        key, method, path, headers, body = self.good(of, created=time.time() - 3600 if kind == "stale" else None)
        framing = None
        if kind == "tampered":
            body = body.replace(b"}", b" }", 1)
        elif kind == "unknown key":
            headers = self._stranger.sign(Request(method, path, body=body), nonce=key)
        elif kind == "malformed":
            name, spoil = self._random.choice(_SPOILT)
            headers = {**headers, name: spoil(headers[name])}
        elif kind == "declared":
            framing = b"Content-Length: 10485760\r\n\r\n"
        elif kind == "ten":
            body = _TEN_MIB
        elif kind == "endless":
            framing = _ENDLESS
        return Prepared(kind, key, http(method, path, headers, body, framing=framing), last=framing is not None)

    def mixed(self, count: int) -> Iterator[Prepared]:
        """About so many, all kinds in the shares that they have, in no order but that a repetition comes after what it repeats."""
        kinds, weights = list(KINDS), [share for _, share in KINDS.values()]
        past: list[Prepared] = []
        for kind in self._random.choices(kinds, weights, k=count):
            if kind == "again":
                if past:
                    first = self._random.choice(past[-1000:])
                    yield Prepared(kind, first.key, first.data)
                continue
            made = self.prepared(self._random.choice(GOOD) if kind == "at once" else kind)
            if kind == "at once":
                yield from [Prepared(kind, made.key, made.data)] * 4
            else:
                yield made
            if kind in GOOD:
                past.append(made)

    def _payment(self, kind: str) -> tuple[str, dict[str, Any], str]:
        if kind == "startbutton":
            key = f"load{uuid.UUID(int=self._random.getrandbits(128), version=4).hex}"
            return key, {**_TRANSFER, "reference": key}, "/transaction/transfer"
        key = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        if kind == "fiserv":
            return key, _SALE, "/gateway/v2/payments"
        refund = {
            "referenceTransactionDetails": {"referenceTransactionId": self._random.choice(self._charges)},
            "amount": {"total": 0.01, "currency": "USD"},
        }
        return key, refund, "/payments/v1/refunds"
