"""One connection cannot take more than its share of time and memory, over either of the two parsers that may be installed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from attacks.sending import Client, exchange

from payseal.server.sandbox import connections, serve
from payseal.server.sandbox.connections import MAX_HEAD, SECONDS
from payseal.server.sandbox.faults.layer import ABORT

DOCS = Path(__file__).parents[3] / "docs"
_SAID = {"head": 10.0, "body": 10.0, "rest": 5.0, "unread": 10.0, "closing": 10.0}
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Server:
    """A real server around an application that answers with what it was sent, and says what it saw."""

    port: int = 0
    server: Any = None
    seen: list[str] = field(default_factory=list)
    heads: list[MutableMapping[str, Any]] = field(default_factory=list)
    wait: threading.Event = field(default_factory=threading.Event)

    async def app(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.heads.append(scope)
        body, path = b"", scope["path"]
        if path == "/early":  # refused before its body is read
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            return
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body", False):
                break
        else:
            self.seen.append("left")
            return
        while path == "/wait" and not self.wait.is_set():
            await asyncio.sleep(0.01)
        self.seen.append("whole")
        size = 20_000_000 if path == "/large" else len(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        await send({"type": "http.response.body", "body": bytes(size) if path == "/large" else body})

    def eventually(self, what: str) -> bool:
        deadline = time.monotonic() + 10
        while what not in self.seen and time.monotonic() < deadline:
            time.sleep(0.02)
        return what in self.seen


@pytest.fixture(params=["H11Bounded", "HttptoolsBounded"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if not hasattr(connections, request.param):
        pytest.skip("httptools is not installed")
    monkeypatch.setattr(serve, "Bounded", getattr(connections, request.param))
    monkeypatch.setattr(serve, "_LOOK", 1)
    for what in SECONDS:
        monkeypatch.setitem(SECONDS, what, 0.5)
    found, listener = Server(), serve.bind(0)
    found.port, found.server = listener.getsockname()[1], serve._server(found.app, threading.Event())
    thread = threading.Thread(target=found.server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not found.server.started:
        time.sleep(0.01)
    yield found
    found.wait.set()
    found.server.should_exit = True
    thread.join(timeout=15)
    assert not thread.is_alive()


def statuses(client: Client) -> list[int]:
    """Until the connection is closed."""
    found = []
    while (answer := client.answer(10)) is not None:
        found.append(answer.status)
    return found


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"y" * (2 * MAX_HEAD),
        b"GET /" + b"y" * (2 * MAX_HEAD),
        b"GET / HTTP/1.1\r\n" + b"cookie: a=b\r\n" * 10_000,
    ],
)
def test_a_head_has_an_end(server: Server, head: bytes) -> None:
    with Client(server.port) as client:
        client.send(head)
        assert statuses(client) in ([431], [400], [])  # h11 has its own limit; what is still on its way may cost the answer
    assert server.heads == []


def test_a_long_head_within_the_limit_is_taken(server: Server) -> None:
    answer = exchange(server.port, GET[:-2] + b"x: y\r\n" * 2000 + b"\r\n")
    assert answer is not None
    assert answer.status == 200
    assert len(server.heads[0]["headers"]) == 2001


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (b"", []),
        (b"GE", [408]),
        (GET[:-2], [408]),
        (GET, [200]),  # and then nothing
        (GET + GET[:-2], [200, 408]),
        (POST + b"Content-Length: 5\r\n\r\nabc", [408]),
        (CHUNKED + b"3\r\nabc\r\n", [408]),
        (CHUNKED + b"3\r\nabc\r\n0\r\nx: y\r\n", [408]),
        (POST.replace(b"/", b"/early", 1) + b"Content-Length: 5\r\n\r\nabc", [413]),
    ],
)
def test_whoever_does_not_go_on_is_cut_off(server: Server, sent: bytes, answers: list[int]) -> None:
    with Client(server.port) as client:
        client.send(sent)
        assert statuses(client) == answers
    if b"Content-Length: 5" in sent and 408 in answers:
        assert server.eventually("left")


def test_a_body_that_never_ends_ends(server: Server) -> None:
    with Client(server.port) as client:
        client.send(POST.replace(b"/", b"/early", 1) + b"Transfer-Encoding: chunked\r\n\r\n")
        deadline = time.monotonic() + 10
        while client.send(b"100\r\n" + bytes(256) + b"\r\n"):
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_a_body_that_comes_fast_enough_may_take_longer(server: Server) -> None:
    pieces, size = 12, 8192
    with Client(server.port) as client:
        client.send(POST + b"Content-Length: %d\r\n\r\n" % (pieces * size))
        for _ in range(pieces):
            client.send(bytes(size))
            time.sleep(0.2)
        answer = client.answer()
    assert answer is not None
    assert (answer.status, len(answer.body)) == (200, pieces * size)


def test_the_application_may_take_its_time(server: Server) -> None:
    with Client(server.port) as client:
        client.send(GET.replace(b"/", b"/wait", 1))
        with pytest.raises(TimeoutError):
            client.answer(1.5)
        server.wait.set()
        answer = client.answer()
    assert answer is not None
    assert answer.status == 200


def test_an_answer_that_nobody_reads_is_dropped(server: Server) -> None:
    with Client(server.port) as client:
        client.send(GET.replace(b"/", b"/large", 1))
        deadline = time.monotonic() + 10
        while not server.heads or server.server.server_state.connections:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_requests_sent_ahead_are_answered_in_turn_and_read_a_few_at_a_time(server: Server) -> None:
    count = 2000
    sent = b"".join(POST + b"Content-Length: 4\r\n\r\n%04d" % number for number in range(count))
    with Client(server.port) as client:
        client.send(GET.replace(b"/", b"/wait", 1))
        sender = threading.Thread(target=client.send, args=(sent,))
        sender.start()
        deadline = time.monotonic() + 10
        while not server.heads:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.5)  # and in this time it reads no more than it may
        (protocol,) = server.server.server_state.connections
        assert len(getattr(protocol, "pipeline", ())) * len(POST) <= connections._SLICE
        assert len(server.heads) == 1
        server.wait.set()
        first = client.answer()
        bodies = [answer.body for _ in range(count) if (answer := client.answer()) is not None]
        sender.join()
    assert first is not None
    assert bodies == [b"%04d" % number for number in range(count)]


@pytest.mark.parametrize(
    "tail", [b"\0\xff\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * (2 * MAX_HEAD)]
)
def test_what_is_refused_takes_nobody_else_s_answer(server: Server, tail: bytes) -> None:
    with Client(server.port) as client:
        client.send(GET + GET + tail)
        assert statuses(client)[:2] == [200, 200]
    assert server.seen == ["whole"] * 2


def test_a_header_after_the_body_is_none(server: Server) -> None:
    answer = exchange(server.port, CHUNKED + b"3\r\nabc\r\n0\r\nx-late: y\r\n\r\n")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"abc")
    assert b"x-late" not in dict(server.heads[0]["headers"])


def test_whoever_wants_another_protocol_is_answered_and_closed(server: Server) -> None:
    with Client(server.port) as client:
        client.send(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: x\r\n\r\nmore")
        assert statuses(client)[0] == 200


def test_one_connection_too_many_is_dropped(server: Server) -> None:
    server.server.config.http_protocol_class.most = 3
    held = [Client(server.port) for _ in range(3)]
    for client in held:
        client.send(GET)
        answer = client.answer()
        assert answer is not None
    assert exchange(server.port, GET) is None
    for client in held:
        client.close()
    time.sleep(0.1)
    assert exchange(server.port, GET) is not None


def test_a_connection_can_be_dropped_whatever_a_proxy_says_of_its_client(server: Server) -> None:
    assert exchange(server.port, GET[:-2] + b"X-Forwarded-For: 203.0.113.9\r\n\r\n") is not None
    assert ABORT in server.heads[0]
    assert server.heads[0]["client"][0] == "203.0.113.9"


def test_the_limits_are_on_the_pages() -> None:
    sandbox, operations = ((DOCS / name).read_text("utf-8") for name in ("sandbox.md", "operations.md"))
    assert (MAX_HEAD, dict(SECONDS), connections._MOST) == (65_536, _SAID, 2000)
    for said in ("64 KiB", "ten seconds", "each 16 KiB", "a minute more", "has five", "2,000"):
        assert said in sandbox
    for said in ("10 s for a head of up to 64 KiB", "10 s and one more for each 16 KiB", "10 s for reading an answer", "2,000"):
        assert said in operations.replace("\n", " ")
