"""What requests sends is what was signed: over a real socket, rebuilt from its raw bytes, verified."""

from __future__ import annotations

import io
import json
import os
import pickle
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

import payseal
from payseal.clients.requests import SignatureAuth
from tests.clients.recording_server import SECRET, TOKEN, RecordingServer, answer, signer

PAYMENT = {"amount": "12.04", "currency": "EUR", "note": "Zoë – 5 €"}


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer() as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def pieces() -> Iterator[bytes]:
    yield b"one,"
    yield b""
    yield b"two"


class Once(io.RawIOBase):
    """A file that cannot seek, such as a pipe."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


BODIES: dict[str, tuple[Callable[[], dict[str, Any]], bytes]] = {
    "json": (lambda: {"json": PAYMENT}, json.dumps(PAYMENT).encode()),
    "form": (lambda: {"data": {"a": "1", "b": "ü &"}}, b"a=1&b=%C3%BC+%26"),
    "text": (lambda: {"data": "Zoë – 5 €"}, "Zoë – 5 €".encode()),
    "bytes": (lambda: {"data": b"\x00\xff{}"}, b"\x00\xff{}"),
    "bytearray": (lambda: {"data": bytearray(b"\x00\xff{}")}, b"\x00\xff{}"),
    "generator": (lambda: {"data": pieces()}, b"one,two"),
    "empty generator": (lambda: {"data": iter(())}, b""),
    "list iterator": (lambda: {"data": iter([b"x" * 70_000, b"y"])}, b"x" * 70_000 + b"y"),
    "memory file": (lambda: {"data": io.BytesIO(b"z" * 200_000)}, b"z" * 200_000),
    "pipe": (lambda: {"data": Once(b"w" * 200_000)}, b"w" * 200_000),
    "nothing": (dict, b""),
}


@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-digest", "startbutton-transfer"])
@pytest.mark.parametrize("body", BODIES)
def test_every_body_is_signed_as_it_is_sent(server: RecordingServer, session: requests.Session, name: str, body: str) -> None:
    arguments, expected = BODIES[body]
    session.auth = SignatureAuth(signer(name))
    assert session.post(f"{server.origin}/payments", **arguments()).status_code == 200
    assert server.last.verified(name).keyid == "key-1"
    assert not server.last.values("Transfer-Encoding")
    assert server.last.value("Content-Length") == str(len(server.last.body))
    assert server.last.body == expected


# A multipart body begins with random letters and digits, which once in several hundred times a verifier cannot tell from an id and a time:
# so it is tried with schemes that keep them apart.
@pytest.mark.parametrize("name", ["covering", "startbutton-transfer"])
@pytest.mark.parametrize("file", [lambda: b"f" * 200_000, lambda: io.BytesIO(b"f" * 200_000)])
def test_files_are_signed_as_they_are_sent(server: RecordingServer, session: requests.Session, name: str, file: Callable[[], Any]) -> None:
    session.post(server.origin, files={"f": ("ü.bin", file())}, data={"a": "1"}, auth=SignatureAuth(signer(name)))
    server.last.verified(name)
    assert server.last.body.count(b"f" * 200_000) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_no_body(server: RecordingServer, session: requests.Session, method: str) -> None:
    session.request(method, f"{server.origin}/payments/1", auth=SignatureAuth(signer()))
    server.last.verified()
    assert (server.last.method, server.last.body) == (method, b"")


def test_an_open_file_is_sent_from_where_it_stands(server: RecordingServer, session: requests.Session, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"read before|" + b"rest" * 50_000)
    with path.open("rb") as file:
        file.read(12)
        prepared = session.prepare_request(requests.Request("POST", server.origin, data=file, auth=SignatureAuth(signer())))
        assert file.tell() == 12
        session.send(prepared)
    server.last.verified()
    assert server.last.body == b"rest" * 50_000


def test_a_file_that_grows_is_sent_as_it_was_signed(server: RecordingServer, session: requests.Session, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"signed")
    with path.open("rb", buffering=0) as file:
        prepared = session.prepare_request(requests.Request("POST", server.origin, data=file, auth=SignatureAuth(signer())))
        with path.open("ab") as appending:
            appending.write(b" and then more")
        session.send(prepared)
        path.write_bytes(b"sig")
        with pytest.raises(payseal.SigningError, match="became shorter"):
            session.send(prepared)
    assert server.requests[0].body == b"signed"
    server.requests[0].verified()


@pytest.mark.parametrize("kind", ["file", "generator"])
def test_a_large_body_is_never_in_memory(server: RecordingServer, session: requests.Session, tmp_path: Path, kind: str) -> None:
    size = 20 * 1024 * 1024
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
        file.write(os.urandom(4096))
    auth = SignatureAuth(signer())
    session.get(server.origin, auth=auth)  # so that what is loaded once is not counted
    with path.open("rb") as file:
        data = file if kind == "file" else iter(lambda: file.read(10_000), b"")
        tracemalloc.start()
        try:
            session.post(server.origin, data=data, auth=auth)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 4 * 1024 * 1024
    assert server.last.pieces.length == size
    server.last.verified()


@pytest.mark.parametrize("data", [io.StringIO("text"), iter(["text"])], ids=["file", "iterator"])
def test_text_that_nobody_encoded_is_refused(server: RecordingServer, session: requests.Session, data: Any) -> None:
    with pytest.raises(payseal.SigningError, match="not bytes"):
        session.post(server.origin, data=data, auth=SignatureAuth(signer()))
    assert not server.requests


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
@pytest.mark.parametrize("params", [None, "raw=[1] ü", {"k": "ü &", "n[]": ["1", "2"]}])
def test_the_target_is_signed_as_it_stands_on_the_request_line(
    server: RecordingServer, session: requests.Session, path: str, params: Any
) -> None:
    headers = {"Content-Type": "application/json"}
    session.post(server.origin + path, params=params, data=b"{}", headers=headers, auth=SignatureAuth(signer("covering")))
    server.last.verified("covering")
    assert len(server.last.values("Host")) == 1


def test_the_host_that_the_caller_sets_is_the_one_that_is_signed(server: RecordingServer, session: requests.Session) -> None:
    headers = {"Content-Type": "application/json", "Host": "api.example.com"}
    session.post(server.origin, headers=headers, auth=SignatureAuth(signer("covering")))
    assert server.last.value("Host") == "api.example.com"
    server.last.verified("covering")


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps_body"),
    [
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (303, "POST", "GET", False),
        (307, "POST", "POST", True),
        (308, "POST", "POST", True),
        (301, "PUT", "PUT", False),
        (307, "GET", "GET", False),
        (302, "HEAD", "HEAD", False),
    ],
)
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-hmac", "covering"])
def test_a_redirect_is_signed_again(
    server: RecordingServer, session: requests.Session, status: int, method: str, then: str, keeps_body: bool, name: str
) -> None:
    server.answers += [answer(status, "/moved/%e2?to=%7e[1]", extra=[("Set-Cookie", "c=1")]), answer(status, f"{server.origin}/b/../c")]
    if name == "covering" and status not in (307, 308):
        return  # it covers Content-Type, which such a redirect does not have: see below
    headers = {"Content-Type": "application/json", "X-Own": "1"}
    data = None if method in ("GET", "HEAD") else pieces()
    auth = SignatureAuth(signer(name))
    response = session.request(method, server.origin, data=data, headers=headers, auth=auth, allow_redirects=True)
    assert (response.status_code, len(response.history)) == (200, 2)
    first, second, third = server.requests
    proofs = [each.verified(name) for each in server.requests]
    assert len({proof.nonce for proof in proofs}) == 3
    assert (second.method, third.method) == (then, then)
    assert (second.target, second.value("Cookie"), third.value("X-Own")) == ("/moved/%E2?to=~%5B1%5D", "c=1", "1")
    assert first.body == (b"" if data is None else b"one,two")
    assert second.body == third.body == (b"one,two" if keeps_body else b"")


@pytest.mark.parametrize("seekable", [True, False])
def test_a_file_is_sent_again_on_a_redirect(server: RecordingServer, session: requests.Session, seekable: bool) -> None:
    server.answers += [answer(307, "/one"), answer(308, "/two")]
    file = io.BytesIO(b"skip" + b"body" * 40_000) if seekable else Once(b"skip" + b"body" * 40_000)
    file.read(4)
    session.post(server.origin, data=file, auth=SignatureAuth(signer()))
    assert [each.target for each in server.requests] == ["/", "/one", "/two"]
    for each in server.requests:
        each.verified()
        assert each.body == b"body" * 40_000


@pytest.mark.parametrize("follow", [True, False])
def test_a_redirect_that_cannot_be_signed_does_not_hide_the_answer(
    server: RecordingServer, session: requests.Session, follow: bool
) -> None:
    server.answers += [answer(303, "/result"), answer(401)]
    headers = {"Content-Type": "application/json"}
    auth = SignatureAuth(signer("covering"))
    response = session.post(server.origin, data=b"{}", headers=headers, auth=auth, allow_redirects=follow)
    assert response.status_code == (401 if follow else 303)
    assert [each.has_any_of("covering") for each in server.requests[1:]] == ([[]] if follow else [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["fiserv-payments", "commercehub-digest", "commercehub-hmac", "startbutton-transfer", "covering"])
def test_nothing_of_the_scheme_goes_to_another_origin(server: RecordingServer, session: requests.Session, status: int, name: str) -> None:
    headers = {"Content-Type": "application/json", "Client-Request-Id": "mine", "X-Own": "1"}
    with RecordingServer(answer(307, f"{server.origin}/back")) as other:
        server.answers.append(answer(status, f"{other.origin}/elsewhere"))
        session.post(server.origin, data=b"{}", headers=headers, auth=SignatureAuth(signer(name)))
        server.requests[0].verified(name)
        assert other.last.has_any_of(name) == []
        assert TOKEN.encode() not in other.last.head
        assert other.last.value("X-Own") == "1"
        assert other.last.value("Host") == other.origin.removeprefix("http://")
    # Sent back by a stranger, the request is not signed either: the stranger chose its target.
    assert server.last.target == "/back"
    assert server.last.has_any_of(name) == []


@pytest.mark.parametrize("where", ["localhost", "other port", "https"])
def test_a_request_for_another_origin_is_refused(server: RecordingServer, session: requests.Session, where: str) -> None:
    auth = SignatureAuth(signer())
    session.get(server.origin, auth=auth)
    port = server.origin.rpartition(":")[2]
    other = {"localhost": f"http://localhost:{port}", "other port": "http://127.0.0.1:1", "https": f"https://127.0.0.1:{port}"}[where]
    with pytest.raises(payseal.SigningError) as caught:
        session.get(other, auth=auth)
    assert server.origin in str(caught.value)
    assert other in str(caught.value)
    assert len(server.requests) == 1


def test_the_origin_can_be_given(server: RecordingServer, session: requests.Session) -> None:
    session.get(server.origin, auth=SignatureAuth(signer(), origin=f"{server.origin.upper()}/v1?x"))
    server.last.verified()
    with pytest.raises(payseal.SigningError, match=r"https://xn--bcher-kva\.example and"):
        session.get(server.origin, auth=SignatureAuth(signer(), origin="https://bücher.example:443"))


@pytest.mark.parametrize("origin", ["", "api.example.com", "ftp://api.example.com", "https://", "https://[::", "/v1"])
def test_an_origin_that_is_none(origin: str) -> None:
    with pytest.raises(payseal.SigningError):
        SignatureAuth(signer(), origin=origin)


def test_what_the_caller_set_is_replaced(server: RecordingServer, session: requests.Session) -> None:
    theirs: dict[str, str | bytes | None] = {"api-key": "another", "TIMESTAMP": "1", "message-signature": b"wrong", "X-Own": "1"}
    session.get(server.origin, headers=theirs, auth=SignatureAuth(signer()))
    assert server.last.verified().keyid == "key-1"
    assert server.last.value("X-Own") == "1"


def test_the_caller_can_name_the_request(server: RecordingServer, session: requests.Session) -> None:
    server.answers.append(answer(307, "/again"))
    auth = SignatureAuth(signer())
    for _ in range(2):
        session.post(server.origin, headers={"client-request-id": "order-77"}, auth=auth)
    assert [each.verified().nonce for each in server.requests] == ["order-77"] * 3
    with pytest.raises(payseal.SigningError, match="nonce"):
        session.post(server.origin, headers={"client-request-id": "no id"}, auth=auth)


def test_a_header_that_the_credential_leaves_out_stays_the_callers(server: RecordingServer, session: requests.Session) -> None:
    tokenless = payseal.Credential(secret=SECRET)
    server.answers.append(answer(307, "/again"))
    auth = SignatureAuth(signer("startbutton-transfer", tokenless))
    session.post(server.origin, data=b"{}", headers={"Authorization": "Bearer theirs"}, auth=auth)
    assert [each.value("Authorization") for each in server.requests] == ["Bearer theirs"] * 2
    for each in server.requests:
        each.verified("startbutton-transfer", tokenless)


def test_a_retry_is_signed_again_as_the_same_request(server: RecordingServer, session: requests.Session, tmp_path: Path) -> None:
    times = iter([1000.0, 2000.0, 3000.0, 4000.0])
    clocked = payseal.Signer(signer().scheme, signer().credential, clock=lambda: 1_700_000_000 + next(times))
    session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)))
    server.answers += [answer(503), b"", answer(503)]  # busy, dropped, busy
    path = tmp_path / "body"
    path.write_bytes(b"skip" + b"body" * 40_000)
    with path.open("rb") as file:
        file.seek(4)
        response = session.post(server.origin, data=file, auth=SignatureAuth(clocked))
    assert [each.value("Timestamp") for each in server.requests] == [f"170000{n}000000" for n in (1, 2, 3, 4)]
    assert len({each.value("Client-Request-Id") for each in server.requests}) == 1
    for each in server.requests:
        assert each.body == b"body" * 40_000
        request = payseal.Request(each.method, each.target, each.headers, each.pieces)
        payseal.Verifier(clocked.scheme, clocked.credential).verify(request, now=int(each.value("Timestamp")) / 1000)
    # What the response says was sent is what was sent last.
    assert response.request.headers["Message-Signature"] == server.last.value("Message-Signature")


def test_a_prepared_request_is_signed_anew_by_calling_the_auth(server: RecordingServer, session: requests.Session) -> None:
    auth = SignatureAuth(signer())
    prepared = session.prepare_request(requests.Request("POST", server.origin, json=PAYMENT, auth=auth))
    session.send(prepared)
    session.send(prepared)
    assert server.requests[0].head == server.requests[1].head
    session.send(prepared.copy())
    assert server.last.has_any_of("fiserv-payments") == []
    session.send(auth(prepared))
    session.send(auth(prepared.copy()))
    ids = [each.verified().nonce for each in (server.requests[0], *server.requests[3:])]
    assert len(set(ids)) == 3
    prepared.headers["Client-Request-Id"] = "mine"
    session.send(auth(prepared))
    session.send(auth(prepared))
    assert [each.verified().nonce for each in server.requests[-2:]] == ["mine", "mine"]
    del prepared.headers["Client-Request-Id"]
    session.send(auth(prepared))
    assert server.last.verified().nonce != "mine"


def test_redirects_followed_by_hand(server: RecordingServer, session: requests.Session) -> None:
    with RecordingServer() as other:
        server.answers += [answer(307, "/next"), answer(307, other.origin)]
        first = session.post(server.origin, data=pieces(), auth=SignatureAuth(signer()), allow_redirects=False)
        assert first.next is not None
        second = session.send(first.next, allow_redirects=False)
        assert second.next is not None
        session.send(second.next)
        for each in server.requests:
            each.verified()
        assert other.last.has_any_of("fiserv-payments") == []
        assert other.last.body == b"one,two"


def test_through_a_proxy_the_target_is_what_the_origin_will_see(server: RecordingServer, session: requests.Session) -> None:
    session.proxies = {"http": server.origin}
    session.post("http://API.example.com/a?b=[1]", json=PAYMENT, auth=SignatureAuth(signer("covering")))
    assert server.last.target == "http://api.example.com/a?b=%5B1%5D"
    server.last.target = server.last.target.removeprefix("http://api.example.com")
    server.last.verified("covering")


def test_netrc_does_not_take_the_place_of_the_signature(server: RecordingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.answers.append(answer(307, "/again"))
    with requests.Session() as trusting:
        trusting.post(server.origin, json=PAYMENT, auth=SignatureAuth(signer("commercehub-hmac")))
    for each in server.requests:
        each.verified("commercehub-hmac")


def test_a_pickled_response_holds_no_signature(server: RecordingServer, session: requests.Session) -> None:
    response = session.post(server.origin, json=PAYMENT, auth=SignatureAuth(signer("commercehub-digest")))
    pickled = pickle.dumps(response)
    assert TOKEN.encode() not in pickled
    assert SECRET.encode() not in pickled
    restored = pickle.loads(pickled)
    assert type(restored.request) is requests.PreparedRequest
    assert "Message-Digest" not in restored.request.headers
    assert TOKEN.encode() not in pickle.dumps(response.request.headers)


def test_nothing_secret_is_shown() -> None:
    auth = SignatureAuth(signer("commercehub-digest"), origin="https://api.example.com")
    assert repr(auth) == "<SignatureAuth 'commercehub-digest' for https://api.example.com>"
    assert repr(SignatureAuth(signer())) == "<SignatureAuth 'fiserv-payments' for the first origin it signs for>"


def test_a_subclass_of_prepared_request_is_refused() -> None:
    class Special(requests.PreparedRequest):
        pass

    special = Special()
    special.prepare("GET", "http://127.0.0.1/")
    with pytest.raises(payseal.SigningError, match="Special"):
        SignatureAuth(signer())(special)


def test_threads_that_begin_together_bind_one_origin() -> None:
    auth = SignatureAuth(signer())
    outcomes: list[str] = []

    def prepare(url: str) -> None:
        try:
            requests.Request("GET", url, auth=auth).prepare()
            outcomes.append("signed")
        except payseal.SigningError:
            outcomes.append("refused")

    threads = [threading.Thread(target=prepare, args=(f"http://host-{n}.example/",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["signed"]
