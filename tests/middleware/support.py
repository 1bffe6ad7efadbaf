"""A shop to be paid at, requests that are signed for it, and the two interfaces called by hand."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import WSGIApplication

import payseal
from payseal import Authenticated, Credential, Request, Signer, Verifier
from payseal.ledger import MemoryLedger

SCHEME = payseal.scheme("fiserv-payments")
CREDENTIAL = Credential(keyid="key-1", secret="correct horse", account="shop-1")
VERIFIER = Verifier(SCHEME, {"key-1": CREDENTIAL})
SIGNER = Signer(SCHEME, CREDENTIAL)

#: Covers the method and the target too, which the three providers' schemes do not.
STRICT = payseal.Scheme.loads(
    """
    name = "strict"
    [signature]
    base = "{method}\\n{target}\\n{nonce}\\n{created}\\n{body}"
    algorithm = "hmac-sha256"
    encoding = "hex"
    [headers]
    X-Key = "{keyid}"
    X-Id = "{nonce}"
    X-Time = "{created}"
    X-Signature = "{signature}"
    [created]
    format = "unix"
    tolerance = 60
    [nonce]
    format = "uuid4"
    pattern = "[A-Za-z0-9-]{1,64}"
    """
)
STRICT_VERIFIER = Verifier(STRICT, {"key-1": CREDENTIAL})

Headers = list[tuple[str, str]]


def signed(body: bytes = b"", method: str = "POST", target: str = "/pay", *, nonce: str | None = None, signer: Signer = SIGNER) -> Headers:
    """The headers of a signed request."""
    return list(signer.sign(Request(method, target, body=body), nonce=nonce).items())


def states(ledger: MemoryLedger) -> list[bool]:
    """Of each id that is held, whether it is done."""
    stats = ledger.stats()
    return [True] * stats.done + [False] * (stats.total - stats.done)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for each, value in self.headers if each.lower() == name]
        assert len(found) <= 1, f"{name} stands {len(found)} times"
        return found[0] if found else None

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal; makes sure that it is problem details of the one shape."""
        assert self.header("content-type") == "application/problem+json"
        assert self.header("cache-control") == "no-store"
        found = self.json()
        assert set(found) == {"type", "title", "status", "detail", "code", "instance"}
        assert found["status"] == self.status
        assert found["type"] == f"urn:payseal:problem:{found['code']}"
        assert (self.header("www-authenticate") is not None) == (self.status == 401)
        return str(found["code"])


@dataclass
class Shop:
    """What every application of these tests does, whatever framework it is written in."""

    calls: list[str] = field(default_factory=list)
    #: Paths that fail the next time that they are called.
    failing: set[str] = field(default_factory=set)
    entered: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, body: bytes, identity: Authenticated | None) -> tuple[int, bytes]:
        """The status and the JSON body of the answer."""
        self.calls.append(path)
        if path in self.failing:
            self.failing.discard(path)
            raise RuntimeError("the till is on fire")
        if path == "/slow":
            self.entered.set()
            assert self.go.wait(10)
        if path == "/declined":
            return 402, b'{"declined":true}'
        said = {
            "account": identity.account if identity else None,
            "nonce": identity.nonce if identity else None,
            "body": body.decode("latin-1"),
            "call": len(self.calls),
        }
        return 201, json.dumps(said).encode()


# --- ASGI, by hand -----------------------------------------------------------------------------------------------------------

App = Callable[[Any, Any, Any], Awaitable[None]]


def asgi_scope(method: str = "POST", target: str = "/pay", headers: Headers | None = None, **more: Any) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers or []],
        **more,
    }


async def asgi_exchange(
    app: App, scope: dict[str, Any], events: Iterable[dict[str, Any]], on_send: Callable[[dict[str, Any]], None] | None = None
) -> list[dict[str, Any]]:
    """Everything the application sent. ``events`` are what it receives; after them the client is gone."""
    sent: list[dict[str, Any]] = []
    waiting = list(events)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if on_send:
            on_send(message)
        sent.append(message)

    await app(scope, receive, send)
    return sent


def body_events(*pieces: bytes) -> list[dict[str, Any]]:
    last = len(pieces) - 1
    return [{"type": "http.request", "body": piece, "more_body": index < last} for index, piece in enumerate(pieces)]


def reply_of(sent: Sequence[dict[str, Any]]) -> Reply:
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    assert all(message["type"] == "http.response.body" for message in bodies)
    assert not bodies[-1].get("more_body", False)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", [])]
    return Reply(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))


def asgi_call(
    app: App, body: bytes = b"{}", headers: Headers | None = None, method: str = "POST", target: str = "/pay", **more: Any
) -> Reply:
    """One request, signed unless ``headers`` are given."""
    headers = signed(body, method, target) if headers is None else headers
    return reply_of(asyncio.run(asgi_exchange(app, asgi_scope(method, target, headers, **more), body_events(body))))


# --- WSGI, by hand -----------------------------------------------------------------------------------------------------------


def wsgi_environ(
    method: str = "POST", target: str = "/pay", headers: Headers | None = None, body: bytes = b"", **more: Any
) -> dict[str, Any]:
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers or []}
    return {name: value for name, value in (environ | more).items() if value is not None}


def wsgi_run(app: WSGIApplication, environ: dict[str, Any]) -> Reply:
    """One request as a server would run it."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    pieces: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        if started and pieces and exc_info:
            raise exc_info[1]
        assert not started or exc_info
        started[:] = [(status, headers)]
        return pieces.append

    answer = app(environ, start_response)
    try:
        for piece in answer:
            assert started, "start_response comes first"
            pieces.append(piece)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    status, headers = started[0]
    return Reply(int(status.split(" ", 1)[0]), headers, b"".join(pieces))


def wsgi_call(
    app: WSGIApplication, body: bytes = b"{}", headers: Headers | None = None, method: str = "POST", target: str = "/pay", **more: Any
) -> Reply:
    """One request, signed unless ``headers`` are given."""
    headers = signed(body, method, target) if headers is None else headers
    return wsgi_run(app, wsgi_environ(method, target, headers, body, **more))
