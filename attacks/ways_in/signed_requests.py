"""A request in which everything is signed, and its bytes on the wire, changed in one place by whoever stands in between."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from payseal import Credential, Request, Scheme, Signer, Verifier

__all__ = ["HOST", "LINE", "SCHEME", "VERIFIER", "Forger", "Signed"]

HOST: Final = "shop.example"
TARGET: Final = "/v1/orders?ref=1"
BODY: Final = b'{"amount":"12.50"}'
LINE: Final = b"\r\n"

#: Covers all of a request that a scheme can cover, so that nothing that reaches an application may differ from what was signed.
SCHEME: Final = Scheme.loads(
    r"""
    name = "all-of-it"
    [signature]
    base = "{method}\n{target}\n{host}\n{header:Content-Type}\n{header:X-Amount}\n{keyid}\n{nonce}\n{created}\n{body}"
    algorithm = "hmac-sha256"
    encoding = "hex"
    [headers]
    X-Api-Key = "{keyid}"
    X-Request-Id = "{nonce}"
    X-Timestamp = "{created}"
    X-Signature = "v1={signature}"
    [created]
    format = "unix"
    tolerance = 300
    [nonce]
    format = "uuid4"
    pattern = "[A-Za-z0-9-]{1,64}"
    """
)
_CREDENTIAL: Final = Credential(keyid="key-1", secret="correct horse battery staple", account="shop-1")
VERIFIER: Final = Verifier(SCHEME, {"key-1": _CREDENTIAL})


@dataclass(frozen=True)
class Signed:
    """What the owner of the key signed. ``headers`` are those of the signature, the covered ones and ``Content-Length``, in their order;
    ``sent`` is the target as the server is sent it, where a proxy in front took away the beginning of ``target``."""

    method: str
    target: str
    sent: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def nonce(self) -> str:
        return self.headers["X-Request-Id"]

    def wire(
        self,
        *,
        line: bytes | None = None,
        leave_out: Sequence[str] = (),
        instead: Mapping[str, bytes] | None = None,
        before: Sequence[bytes] = (),
        after: Sequence[bytes] = (),
        body: bytes | None = None,
        end: bytes = LINE,
        close: bool = True,
    ) -> bytes:
        """The bytes of the request. ``line``: another request line; ``instead``: whole header lines by the name that they replace;
        ``before`` and ``after``: more lines, around the others; ``end``: what ends a line; ``close``: whether to ask for the end."""
        changed = instead or {}
        first = f"{self.method} {self.sent} HTTP/1.1".encode("latin-1") if line is None else line
        named = [changed.get(name, f"{name}: {value}".encode("latin-1")) for name, value in self.headers.items() if name not in leave_out]
        closing = [b"Connection: close"] if close else []
        return end.join([first, *before, *named, *closing, *after, b"", b""]) + (self.body if body is None else body)


@dataclass
class Forger:
    """Has signed requests to play with, and remembers what was signed. ``root_path`` is what a proxy takes away from each target."""

    root_path: str = ""
    signed: dict[str, Signed] = field(default_factory=dict)

    def sign(
        self,
        method: str = "POST",
        target: str = TARGET,
        *,
        host: str = HOST,
        content_type: str = "application/json",
        amount: str = "12.50",
        body: bytes = BODY,
    ) -> Signed:
        """A request as its owner would send it."""
        covered = {"Host": host, "Content-Type": content_type, "X-Amount": amount}
        nonce = str(uuid.uuid4())
        made = Signer(SCHEME, _CREDENTIAL).sign(Request(method, target, covered, body), nonce=nonce)
        signed = Signed(method, target, target.removeprefix(self.root_path), body, {**covered, **made, "Content-Length": str(len(body))})
        self.signed[nonce] = signed
        return signed
