"""What httpx and httpx2 send, synchronously and not, is what was signed: over a real socket, rebuilt from raw bytes, verified."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

import payseal
import payseal.clients.httpx
import payseal.clients.httpx2
from payseal.clients.headers import SignedHeaders
from tests.clients.recording_server import SECRET, TOKEN, RecordingServer, answer, signer

PAYMENT = {"amount": "12.04", "currency": "EUR", "note": "Zoë – 5 €"}


class Library:
    """One of the four ways to use the auth, behind one synchronous call."""

    def __init__(self, module: ModuleType, auth: Callable[..., Any], *, asynchronous: bool) -> None:
        self.module = module
        self.auth = auth
        self.asynchronous = asynchronous

    def __repr__(self) -> str:
        return f"{self.module.__name__}-{'async' if self.asynchronous else 'sync'}"

    def request(self, method: str, url: str, *, auth: Any, client: dict[str, Any] | None = None, **arguments: Any) -> Any:
        return self.steps(lambda opened: opened.request(method, url, **arguments), auth=auth, client=client)[-1]

    def steps(self, *calls: Callable[[Any], Any], auth: Any, client: dict[str, Any] | None = None) -> list[Any]:
        """What each call gets from one client; a call that takes two arguments is also given the response before it."""
        # No certificates: nothing here speaks TLS, and loading them takes longer than a test.
        options = {"auth": auth, "trust_env": False, "verify": False, **(client or {})}
        if not self.asynchronous:
            with self.module.Client(**options) as opened:
                return [call(opened) for call in calls]

        async def run() -> list[Any]:
            async with self.module.AsyncClient(**options) as opened:
                return [await call(opened) for call in calls]

        return asyncio.run(run())


LIBRARIES = [
    Library(httpx, payseal.clients.httpx.SignatureAuth, asynchronous=False),
    Library(httpx, payseal.clients.httpx.SignatureAuth, asynchronous=True),
    Library(httpx2, payseal.clients.httpx2.SignatureAuth, asynchronous=False),
    Library(httpx2, payseal.clients.httpx2.SignatureAuth, asynchronous=True),
]


@pytest.fixture(params=LIBRARIES, ids=repr)
def library(request: pytest.FixtureRequest) -> Library:
    chosen: Library = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer() as running:
        yield running


def pieces() -> Iterator[bytes]:
    yield b"one,"
    yield b""
    yield b"two"


async def async_pieces() -> AsyncIterator[bytes]:
    for piece in pieces():
        yield piece


class Once(io.RawIOBase):
    """A file that cannot seek, such as a pipe."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


def generator(library: Library) -> Any:
    return async_pieces() if library.asynchronous else pieces()


BODIES: dict[str, tuple[Callable[[Library], dict[str, Any]], bytes]] = {
    "json": (lambda library: {"json": PAYMENT}, '{"amount":"12.04","currency":"EUR","note":"Zoë – 5 €"}'.encode()),
    "form": (lambda library: {"data": {"a": "1", "b": "ü &"}}, b"a=1&b=%C3%BC+%26"),
    "text": (lambda library: {"content": "Zoë – 5 €"}, "Zoë – 5 €".encode()),
    "bytes": (lambda library: {"content": b"\x00\xff{}"}, b"\x00\xff{}"),
    "generator": (lambda library: {"content": generator(library)}, b"one,two"),
    "generator of nothing": (lambda library: {"content": b"" if library.asynchronous else iter(())}, b""),
    "synchronous generator": (lambda library: {"content": pieces()}, b"one,two"),
    "memory file": (lambda library: {"content": io.BytesIO(b"z" * 200_000)}, b"z" * 200_000),
    "pipe": (lambda library: {"content": Once(b"w" * 200_000)}, b"w" * 200_000),
    "nothing": (lambda library: {}, b""),
}


@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-digest", "startbutton-transfer"])
@pytest.mark.parametrize("body", BODIES)
def test_every_body_is_signed_as_it_is_sent(server: RecordingServer, library: Library, name: str, body: str) -> None:
    arguments, expected = BODIES[body]
    response = library.request("POST", f"{server.origin}/payments", auth=library.auth(signer(name)), **arguments(library))
    assert response.status_code == 200
    server.last.verified(name)
    assert not server.last.values("Transfer-Encoding")
    assert server.last.value("Content-Length") == str(len(server.last.body))
    assert server.last.body == expected


# A multipart body begins with random letters and digits, which once in several hundred times a verifier cannot tell from an id and a time:
# so it is tried with schemes that keep them apart.
@pytest.mark.parametrize("name", ["covering", "startbutton-transfer"])
@pytest.mark.parametrize("file", [lambda: b"f" * 200_000, lambda: io.BytesIO(b"f" * 200_000), lambda: Once(b"f" * 200_000)])
def test_files_are_signed_as_they_are_sent(server: RecordingServer, library: Library, name: str, file: Callable[[], Any]) -> None:
    files = {"f": ("ü.bin", file())}
    library.request("POST", server.origin, files=files, data={"a": "1"}, auth=library.auth(signer(name)))
    server.last.verified(name)
    assert not server.last.values("Transfer-Encoding")
    assert server.last.body.count(b"f" * 200_000) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_no_body(server: RecordingServer, library: Library, method: str) -> None:
    library.request(method, f"{server.origin}/payments/1", auth=library.auth(signer()))
    server.last.verified()
    assert (server.last.method, server.last.body) == (method, b"")


def test_an_open_file_is_sent_from_where_it_stands(server: RecordingServer, library: Library, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"read before|" + b"rest" * 50_000)
    with path.open("rb") as file:
        file.read(12)
        library.request("POST", server.origin, content=file, auth=library.auth(signer()))
    server.last.verified()
    assert server.last.body == b"rest" * 50_000


@pytest.mark.parametrize("kind", ["content", "files", "generator"])
def test_a_large_body_is_never_in_memory(server: RecordingServer, library: Library, tmp_path: Path, kind: str) -> None:
    size = 20 * 1024 * 1024
    path = tmp_path / "large"
    with path.open("wb") as written:
        written.truncate(size)
        written.write(os.urandom(4096))
    auth = library.auth(signer("covering"))
    library.request("POST", server.origin, json=1, auth=auth)  # so that what is loaded once is not counted

    async def read(file: io.BufferedReader) -> AsyncIterator[bytes]:
        while piece := file.read(10_000):
            yield piece

    with path.open("rb") as file:
        lazily = read(file) if library.asynchronous else iter(lambda: file.read(10_000), b"")
        arguments: dict[str, Any] = {"files": {"f": file}} if kind == "files" else {"content": file if kind == "content" else lazily}
        arguments |= {} if kind == "files" else {"headers": {"Content-Type": "application/octet-stream"}}
        tracemalloc.start()
        try:
            library.request("POST", server.origin, auth=auth, **arguments)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 4 * 1024 * 1024
    assert server.last.pieces.length >= size
    server.last.verified("covering")


@pytest.mark.parametrize("content", [lambda: io.StringIO("text"), lambda: iter(["text"])], ids=["file", "iterator"])
def test_text_that_nobody_encoded_is_refused(server: RecordingServer, library: Library, content: Callable[[], Any]) -> None:
    with pytest.raises(payseal.SigningError, match="not bytes"):
        library.request("POST", server.origin, content=content(), auth=library.auth(signer()))
    assert not server.requests


@pytest.mark.parametrize("module", [httpx, httpx2])
def test_an_asynchronous_body_in_a_synchronous_client(server: RecordingServer, module: Any) -> None:
    library = next(each for each in LIBRARIES if each.module is module and not each.asynchronous)
    with pytest.raises(payseal.SigningError, match="AsyncClient"):
        library.request("POST", server.origin, content=async_pieces(), auth=library.auth(signer()))


@pytest.mark.parametrize(
    "path",
    [
        "/a b/ü?q=ä&x=%e2%82%ac&empty=&=&&plus=+&pct=%25",
        "/%7etilde/%2f%2F;p=1?a[0]=1&b={x}|y^z`\"<>\\'()*!$,~",
        "//double//slash/../up/./here?",
        "?only=query",
        "",
        "/#fragment?not=query",
    ],
)
@pytest.mark.parametrize("params", [None, {"k": "ü &", "n[]": ["1", "2"]}])
def test_the_target_is_signed_as_it_stands_on_the_request_line(server: RecordingServer, library: Library, path: str, params: Any) -> None:
    auth = library.auth(signer("covering"))
    library.request("POST", server.origin + path, params=params, json=PAYMENT, auth=auth)
    server.last.verified("covering")
    assert len(server.last.values("Host")) == 1


def test_the_target_that_the_caller_puts_on_the_request_line(server: RecordingServer, library: Library) -> None:
    auth = library.auth(signer("covering"))
    library.request("POST", server.origin, json=PAYMENT, auth=auth, extensions={"target": b"/raw?[x]"})
    assert server.last.target == "/raw?[x]"
    server.last.verified("covering")


def test_the_host_that_the_caller_sets_is_the_one_that_is_signed(server: RecordingServer, library: Library) -> None:
    library.request("POST", server.origin, json=PAYMENT, headers={"Host": "api.example.com"}, auth=library.auth(signer("covering")))
    assert server.last.value("Host") == "api.example.com"
    server.last.verified("covering")


REDIRECTS = [
    (301, "POST", "GET", False),
    (302, "POST", "GET", False),
    (303, "POST", "GET", False),
    (307, "POST", "POST", True),
    (308, "POST", "POST", True),
    (301, "PUT", "PUT", True),
    (307, "GET", "GET", False),
    (302, "HEAD", "HEAD", False),
]


@pytest.mark.parametrize(("status", "method", "then", "keeps_body"), REDIRECTS)
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac", "covering"])
def test_a_redirect_is_signed_once_it_is_refused(
    server: RecordingServer, library: Library, status: int, method: str, then: str, keeps_body: bool, name: str
) -> None:
    server.answers += [
        answer(status, "/one/%e2?to=%7e[1]", extra=[("Set-Cookie", "c=1")]),
        answer(401),
        answer(status, f"{server.origin}/b/../two"),
        answer(403),
    ]
    headers = {"Content-Type": "application/json", "X-Own": "1"}
    content = {} if method in ("GET", "HEAD") else {"content": generator(library)}
    auth = library.auth(signer(name))
    response = library.request(method, server.origin, headers=headers, auth=auth, client={"follow_redirects": True}, **content)
    assert response.status_code == 200
    # httpx keeps in the history of an auth what the auth has answered, not the redirects in between.
    assert [each.status_code for each in response.history] == [401, 403]
    first, refused, second, refused_again, third = server.requests
    proofs = [each.verified(name) for each in (first, second, third)]
    assert len({proof.nonce for proof in proofs}) == 3
    assert refused.has_any_of(name) == refused_again.has_any_of(name) == []
    assert (refused.target, third.target) == (second.target, refused_again.target)
    assert (second.method, third.method) == (then, then)
    assert (second.value("Cookie"), third.value("X-Own")) == ("c=1", "1")
    assert first.body == (b"one,two" if content else b"")
    assert second.body == third.body == (b"one,two" if keeps_body else b"")
    # What the history says was sent is what was sent.
    assert not isinstance(response.history[0].request.headers, SignedHeaders)
    assert isinstance(response.request.headers, SignedHeaders)


@pytest.mark.parametrize("status", [200, 402, 409, 500, 503])
def test_a_redirect_that_is_not_refused_is_left_alone(server: RecordingServer, library: Library, status: int) -> None:
    server.answers += [answer(307, "/moved"), answer(status)]
    auth = library.auth(signer())
    assert library.request("POST", server.origin, json=PAYMENT, auth=auth, client={"follow_redirects": True}).status_code == status
    assert len(server.requests) == 2


def test_a_signature_that_is_refused_is_not_sent_again(server: RecordingServer, library: Library) -> None:
    server.answers += [answer(401), answer(307, "/moved"), answer(401), answer(401)]
    auth = library.auth(signer())
    options = {"follow_redirects": True}
    assert library.request("GET", server.origin, auth=auth, client=options).status_code == 401
    assert library.request("GET", server.origin, auth=auth, client=options).status_code == 401
    assert len(server.requests) == 4


def test_redirects_without_end(server: RecordingServer, library: Library) -> None:
    server.answers += [answer(307, "/round"), answer(401)] * 30
    with pytest.raises(library.module.TooManyRedirects):
        library.request("POST", server.origin, json=PAYMENT, auth=library.auth(signer()), client={"follow_redirects": True})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-digest", "commercehub-hmac", "startbutton-transfer", "covering"])
def test_nothing_of_the_scheme_goes_to_another_origin(server: RecordingServer, library: Library, status: int, name: str) -> None:
    headers = {"Client-Request-Id": "mine", "X-Own": "1"}
    with RecordingServer(answer(307, f"{server.origin}/back")) as other:
        server.answers += [answer(status, f"{other.origin}/elsewhere"), answer(401)]
        auth = library.auth(signer(name))
        library.request("POST", server.origin, json=PAYMENT, headers=headers, auth=auth, client={"follow_redirects": True})
        server.requests[0].verified(name)
        assert other.last.has_any_of(name) == []
        assert TOKEN.encode() not in other.last.head
        assert other.last.value("X-Own") == "1"
        assert other.last.value("Host") == other.origin.removeprefix("http://")
    # Sent back by a stranger and refused, the request is not signed: the stranger chose its target.
    assert [each.target for each in server.requests] == ["/", "/back"]
    assert server.last.has_any_of(name) == []


@pytest.mark.parametrize("where", ["localhost", "other port", "https"])
def test_a_request_for_another_origin_is_refused(server: RecordingServer, library: Library, where: str) -> None:
    auth = library.auth(signer())
    library.request("GET", server.origin, auth=auth)
    port = server.origin.rpartition(":")[2]
    other = {"localhost": f"http://localhost:{port}", "other port": "http://127.0.0.1:1", "https": f"https://127.0.0.1:{port}"}[where]
    with pytest.raises(payseal.SigningError) as caught:
        library.request("GET", other, auth=auth)
    assert server.origin in str(caught.value)
    assert other in str(caught.value)
    assert len(server.requests) == 1


def test_the_origin_can_be_given(server: RecordingServer, library: Library) -> None:
    library.request("GET", server.origin, auth=library.auth(signer(), origin=f"{server.origin.upper()}/v1?x"))
    server.last.verified()
    with pytest.raises(payseal.SigningError, match=r"https://xn--bcher-kva\.example and"):
        library.request("GET", server.origin, auth=library.auth(signer(), origin="https://bücher.example:443"))


@pytest.mark.parametrize("origin", ["", "api.example.com", "ftp://api.example.com", "https://", "https://[::", "/v1"])
def test_an_origin_that_is_none(library: Library, origin: str) -> None:
    with pytest.raises(payseal.SigningError):
        library.auth(signer(), origin=origin)


def test_what_the_caller_set_is_replaced(server: RecordingServer, library: Library) -> None:
    theirs = [("api-key", "another"), ("api-key", "third"), ("TIMESTAMP", "1"), ("message-signature", "wrong"), ("X-Own", "1")]
    library.request("GET", server.origin, headers=theirs, auth=library.auth(signer()))
    assert server.last.verified().keyid == "key-1"
    assert server.last.value("X-Own") == "1"


def test_the_caller_can_name_the_request(server: RecordingServer, library: Library) -> None:
    server.answers += [answer(307, "/again"), answer(401)]
    auth = library.auth(signer())
    for _ in range(2):
        headers = {"client-request-id": "order-77"}
        library.request("POST", server.origin, headers=headers, auth=auth, client={"follow_redirects": True})
    assert [each.verified().nonce for each in (server.requests[0], *server.requests[2:])] == ["order-77"] * 3
    for wrong in (["no id"], ["1", "2"]):
        with pytest.raises(payseal.SigningError):
            library.request("POST", server.origin, headers=[("client-request-id", each) for each in wrong], auth=auth)


def test_a_header_that_the_credential_leaves_out_stays_the_callers(server: RecordingServer, library: Library) -> None:
    tokenless = payseal.Credential(secret=SECRET)
    server.answers += [answer(307, "/again"), answer(403)]
    auth = library.auth(signer("startbutton-transfer", tokenless))
    headers = {"Authorization": "Bearer theirs"}
    library.request("POST", server.origin, json=PAYMENT, headers=headers, auth=auth, client={"follow_redirects": True})
    for each in (server.requests[0], server.requests[2]):
        assert each.value("Authorization") == "Bearer theirs"
        each.verified("startbutton-transfer", tokenless)


def test_one_request_sent_twice_is_signed_twice(server: RecordingServer, library: Library) -> None:
    auth = library.auth(signer())
    request = library.module.Request("POST", server.origin, content=generator(library))
    named = library.module.Request("POST", server.origin, json=PAYMENT, headers={"Client-Request-Id": "mine"})

    def send(what: Any) -> Callable[[Any], Any]:
        return lambda client: client.send(what)

    library.steps(*map(send, [request, request, named, named]), auth=auth)
    first, second, *others = (each.verified().nonce for each in server.requests)
    assert first != second
    assert others == ["mine", "mine"]
    del named.headers["client-request-id"]
    library.steps(send(named), auth=auth)
    assert server.last.verified().nonce not in ("mine", None)


def test_redirects_followed_by_hand(server: RecordingServer, library: Library) -> None:
    with RecordingServer() as other:
        server.answers += [answer(307, "/next"), answer(307, other.origin)]
        auth = library.auth(signer())
        first = library.request("POST", server.origin, content=generator(library), auth=auth)
        assert not {"api-key", "client-request-id", "timestamp", "message-signature"} & {
            name.lower() for name in first.next_request.headers
        }
        second = library.steps(lambda client: client.send(first.next_request), auth=auth)[0]
        with pytest.raises(payseal.SigningError, match=other.origin):
            library.steps(lambda client: client.send(second.next_request), auth=auth)
        library.steps(lambda client: client.send(second.next_request), auth=None)
        for each in server.requests:
            each.verified()
            assert each.body == b"one,two"
        assert other.last.has_any_of("fiserv-payments") == []
        assert other.last.body == b"one,two"


def test_through_a_proxy_the_target_is_what_the_origin_will_see(server: RecordingServer, library: Library) -> None:
    auth = library.auth(signer("covering"))
    library.request("POST", "http://API.example.com/a?b=[1]", json=PAYMENT, auth=auth, client={"proxy": server.origin})
    prefix = "http://api.example.com"
    assert server.last.target.startswith(prefix)
    server.last.target = server.last.target.removeprefix(prefix)
    server.last.verified("covering")


def test_hooks_see_the_signature_and_can_add_headers(server: RecordingServer, library: Library) -> None:
    seen: list[str] = []

    def hook(request: Any) -> None:
        seen.append(request.headers["message-signature"])
        request.headers["X-Hook"] = "1"
        request.headers.update({"X-More": "2"})

    async def async_hook(request: Any) -> None:
        hook(request)

    hooks = {"request": [async_hook if library.asynchronous else hook]}
    library.request("POST", server.origin, json=PAYMENT, auth=library.auth(signer()), client={"event_hooks": hooks})
    server.last.verified()
    assert seen == server.last.values("Message-Signature")
    assert (server.last.value("X-Hook"), server.last.value("X-More")) == ("1", "2")


def test_nothing_secret_is_shown_or_pickled(server: RecordingServer, library: Library) -> None:
    auth = library.auth(signer("commercehub-digest"))
    response = library.request("POST", server.origin, json=PAYMENT, auth=auth)
    for text in (repr(auth), repr(response.request), repr(response.request.headers)):
        assert not any(secret in text for secret in (SECRET, TOKEN, server.last.value("Message-Digest")))
    assert repr(auth) == f"<SignatureAuth 'commercehub-digest' for {server.origin}>"
    pickled = pickle.dumps((response, response.request.headers))
    assert TOKEN.encode() not in pickled
    restored, headers = pickle.loads(pickled)
    assert type(restored.request.headers) is type(headers) is library.module.Headers
    assert "message-digest" not in headers
    assert headers["content-type"] == "application/json"


def test_a_library_that_copies_signatures_is_refused(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = library.module.Headers

    class Copying(plain):  # type: ignore[misc, valid-type]
        def __init__(self, headers: Any = None, encoding: str | None = None) -> None:
            super().__init__(headers.raw if isinstance(headers, plain) else headers, encoding)

    monkeypatch.setattr(library.module, "Headers", Copying)
    with pytest.raises(payseal.PaysealError, match="copies headers in a way"):
        library.auth(signer())


def test_signed_headers_are_headers(library: Library) -> None:
    plain = library.module.Headers
    own = [(b"Host", b"h"), (b"X-Own", b"a"), (b"x-own", b"b")]
    shown = library.auth(signer())._headers(own, [(b"Api-Key", b"k"), (b"Message-Signature", b"s")], [(b"api-key", b"theirs")])
    complete = plain([*own, (b"Api-Key", b"k"), (b"Message-Signature", b"s")])
    assert isinstance(shown, plain)
    for look in (list, len, dict, lambda h: h.raw, lambda h: h.multi_items(), lambda h: list(h.values()), lambda h: list(h.items())):
        assert look(shown) == look(complete)
    assert shown == complete
    assert (shown["api-key"], shown.get("nothing"), shown.get_list("X-Own"), "message-SIGNATURE" in shown) == ("k", None, ["a", "b"], True)
    for copy in (plain(shown), shown.copy()):
        assert copy.raw == own
    assert shown.unsigned().raw == [*own, (b"api-key", b"theirs")]
    shown["API-KEY"] = "changed"
    assert shown.get_list("api-key") == ["changed"]
    assert shown.unsigned()["api-key"] == "changed"
    assert shown.pop("message-signature") == "s"
    assert "message-signature" not in shown
    shown.update({"Api-Key": "again", "New": "n"})
    assert (shown.get_list("api-key"), shown["new"]) == (["again"], "n")
    with pytest.raises(KeyError):
        del shown["message-signature"]


def test_a_subclass_of_the_users(server: RecordingServer) -> None:
    class Special(payseal.clients.httpx.SignatureAuth):
        pass

    with httpx.Client(auth=Special(signer()), trust_env=False) as client:
        client.get(server.origin)
    server.last.verified()
