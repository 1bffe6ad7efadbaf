"""A door as it stands in production: accounts in a database, the middleware over them, a server on a loopback port.

Before it stand strangers of every kind, none of whom may learn whether a key that they name is there: `STRANGERS`. `Door.request` makes their
requests, well formed and wrongly signed.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from attacks.timing.clocks import Work
from attacks.timing.prefixes import refused

import payseal
from payseal.ledger import MemoryLedger
from payseal.middleware import ASGIMiddleware
from payseal.server.accounts import AccountStore, AccountVerifier, CredentialStore, Database, Directory, IssuedCredential, KeyRing

__all__ = ["REFERENCE", "STRANGERS", "Door", "Line"]

REFERENCE: Final = "a wrong signature"
#: Who must not be told apart: each is refused, and learns nothing else.
STRANGERS: Final = (
    REFERENCE,
    "an unknown key",
    "a revoked key",
    "an expired key",
    "a key of a disabled account",
    "a key of another scheme",
    "a key that is being rotated",
    "a key that may not come from here",
)
#: And these, where a credential has a unit of time of its own: signed in that unit, and in the endpoint's.
OWN_UNIT: Final = ("a key with a unit of its own", "the same, in the usual unit")
_ACTOR: Final = "attack:setup"
_BODY: Final = b'{"amount":1000,"currency":"KES"}'
_OTHER: Final = {"fiserv-payments": "commercehub-hmac", "startbutton-transfer": "commercehub-digest"}
_IN_SECONDS: Final[dict[str, Any]] = {"created": {"format": "unix"}}


class Door:
    """``with Door("fiserv-payments") as door``, whose requests name a keyid, or ``"startbutton-transfer"``, whose requests name a token.

    ``own_unit``: whether there is a credential with a unit of time of its own, which the first of these can have.
    """

    def __init__(self, scheme: str, *, own_unit: bool = False) -> None:
        self.scheme = scheme
        self.own_unit = own_unit
        self._overrides: dict[str, Any] = {"headers": {"Authorization": "Bearer {token}"}} if scheme == "startbutton-transfer" else {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="payseal-door-"))
            stack.callback(shutil.rmtree, folder)
            database = Database.open(f"sqlite:///{folder / 'accounts.db'}", create=True)
            stack.callback(database.close)
            ring = KeyRing({"k1": secrets.token_bytes(32)})
            self.accounts = AccountStore(database)
            self.keys = CredentialStore(database, ring)
            self.issued = self._issue(CredentialStore(database, ring, clock=lambda: time.time() - 1000))
            self.directory = stack.enter_context(Directory(database, ring))
            self.verifier = AccountVerifier(self.directory, self.scheme, **self._overrides)
            self.app = ASGIMiddleware(_open_to_the_proven, self.verifier, MemoryLedger(), admit=self._admit)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _admit(self, who: payseal.Authenticated, client: str | None) -> bool:
        account = self.directory.account(who.account)
        return account is not None and account.allows(client)

    def _issue(self, earlier: CredentialStore) -> dict[str, IssuedCredential]:
        for account in ("acme", "closed", "walled"):
            self.accounts.create(account, actor=_ACTOR)
        self.accounts.allow_ip("walled", "192.0.2.0/24", actor=_ACTOR)

        def issue(account: str = "acme", scheme: str = self.scheme, **options: Any) -> IssuedCredential:
            return self.keys.create(account, scheme, actor=_ACTOR, **options)

        issued = {
            REFERENCE: issue(),
            "a revoked key": issue(),
            "an expired key": earlier.create("acme", self.scheme, actor=_ACTOR, not_after=time.time() - 500),
            "a key of a disabled account": issue("closed"),
            "a key of another scheme": issue(scheme=_OTHER[self.scheme]),
            "a key that is being rotated": issue(),
            "a key that may not come from here": issue("walled"),
        }
        if self.own_unit:
            issued |= dict.fromkeys(OWN_UNIT, issue(overrides=_IN_SECONDS))
        self.keys.revoke(issued["a revoked key"].keyid, actor=_ACTOR)
        self.accounts.set_disabled("closed", True, actor=_ACTOR)
        self.keys.rotate(issued["a key that is being rotated"].keyid, actor=_ACTOR)
        return issued

    @property
    def strangers(self) -> tuple[str, ...]:
        """Every kind there is here."""
        return STRANGERS + (OWN_UNIT if self.own_unit else ())

    def request(self, stranger: str) -> payseal.Request:
        """A new request of that kind: well formed, signed with a secret that nobody has."""
        named = self.issued.get(stranger)
        keyid, token = (secrets.token_hex(16), secrets.token_urlsafe(32)) if named is None else (named.keyid, named.token)
        return self._signed(keyid, secrets.token_urlsafe(32), token, stranger == OWN_UNIT[0])

    def proven(self, whose: str) -> payseal.Request:
        """A new request that is rightly signed with that key."""
        named = self.issued[whose]
        return self._signed(named.keyid, named.secret or secrets.token_urlsafe(32), named.token, whose == OWN_UNIT[0])

    def _signed(self, keyid: str, secret: str | None, token: str | None, in_seconds: bool) -> payseal.Request:
        scheme = payseal.scheme(self.scheme, **self._overrides, **(_IN_SECONDS if in_seconds else {}))
        signer = payseal.Signer(scheme, payseal.Credential(keyid, secret, token))
        body = _BODY + secrets.token_hex(8).encode()
        return payseal.Request("POST", "/pay", signer.sign(payseal.Request("POST", "/pay", body=body)), body)

    def verifying(self, stranger: str) -> Callable[[], Work]:
        """What makes the work of refusing one of that kind, without a server."""
        return lambda: refused(self.verifier, self.request(stranger))

    @contextmanager
    def line(self) -> Iterator[Line]:
        """A connection to the door, which is served for as long as that lasts."""
        with _served(self.app) as port, socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            yield Line(connection)


class Line:
    """One connection that stays open, so that nothing but the request itself is timed."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection

    def ask(self, request: payseal.Request) -> tuple[str, list[tuple[str, str]], bytes]:
        """The status line, the headers as they were sent, and the body."""
        return _parted(self.exchange(spelled(request)))

    def asking(self, request: payseal.Request) -> Work:
        """The work of asking, with the bytes made before."""
        raw = spelled(request)
        return lambda: self.exchange(raw)

    def exchange(self, raw: bytes) -> bytes:
        self._connection.sendall(raw)
        answer = self._connection.recv(65_536)
        while True:
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and len(body) >= _length(head):
                return answer
            more = self._connection.recv(65_536)
            if not more:
                raise ConnectionError("the server hung up")
            answer += more


def spelled(request: payseal.Request) -> bytes:
    """The request as bytes of HTTP/1.1."""
    body = b"".join(bytes(piece) for piece in request.pieces())
    lines = [f"{request.method} {request.target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in request.headers), "", ""]).encode() + body


def _parted(answer: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return status, headers, body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError("an answer without a length")


async def _open_to_the_proven(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def _served(app: Any) -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, timeout_keep_alive=600, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            if not server.started:
                raise RuntimeError("the server did not start")
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
