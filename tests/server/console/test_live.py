"""The stream of decisions: soon, of one's own alone, whole after a break, and over when the session or the server is."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from payseal import Credential
from payseal.server.accounts import Database, tables
from payseal.server.accounts.decided import newest_id
from payseal.server.sandbox.serve import bind, serving
from payseal.server.users import UserStore
from payseal.server.vault import Vault
from tests.server.sandbox.calls import eventually
from tests.server.sandbox.samples import SALE

from .conftest import ACTOR, Console, Visitor

PATH = "/gateway/v2/payments"


@dataclass
class Stream:
    """An open stream, read in a thread as a browser reads it (HTML, section 9.2.6)."""

    port: int
    cookies: dict[str, str]
    query: str = ""
    last: str = ""
    events: list[tuple[str, str, str]] = field(default_factory=list)  # id, event, data
    raw: str = ""
    status: int = 0
    over: float = 0.0

    def begin(self) -> Stream:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Accept": "text/event-stream"}
        if self.last:
            headers["Last-Event-ID"] = self.last
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.connection.request("GET", f"/console/requests/stream{self.query}", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.thread = threading.Thread(target=self._read, daemon=True)
        if self.status == 200:
            self.thread.start()
        return self

    def _read(self) -> None:
        event: dict[str, list[str]] = {}
        try:
            while line := self.response.readline().decode():
                self.raw += line
                name, _, value = line.rstrip("\n").partition(": ")
                if line != "\n":
                    event.setdefault(name, []).append(value)
                    continue
                if "data" in event:
                    self.events.append((event["id"][0], event["event"][0], "\n".join(event["data"])))
                event = {}
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # it was closed
        self.over = time.monotonic()

    @property
    def ids(self) -> list[int]:
        return [int(number) for number, _, _ in self.events]

    def close(self) -> None:
        sock = self.connection.sock
        if sock is not None:
            sock.shutdown(2)
        self.connection.close()


@contextmanager
def streaming(visitor: Visitor, query: str = "", last: str = "") -> Iterator[Stream]:
    stream = Stream(visitor.port, visitor.cookies, query, last).begin()
    try:
        eventually(lambda: stream.status != 200 or bool(stream.raw), 5)
        yield stream
    finally:
        stream.close()


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.signed_in()


def recorded(console: Console, count: int, **changes: Any) -> list[int]:
    """Decisions, as another server that shares the database writes them; their ids."""
    values = {
        "at": time.time(), "code": "accepted", "status": None, "scheme": "fiserv-payments", "account": "demo", "keyid": None,
        "request_id": None, "client": "192.0.2.1", "latency": 1, "trace": None, **changes,
    }  # fmt: skip
    before = newest_id(console.database)
    with console.database.write() as connection:
        connection.execute(insert(tables.decisions), [values] * count)
    return list(range(before + 1, before + count + 1))


def test_a_request_is_seen_within_two_seconds(console: Console, operator: Visitor) -> None:
    with streaming(operator) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        assert "no-store" in stream.response.headers["Cache-Control"]
        assert "default-src 'none'" in stream.response.headers["Content-Security-Policy"]
        began = time.monotonic()
        assert console.signed("fiserv-payments", console.vault.demo_keys().fiserv, "POST", PATH, SALE).status == 200
        eventually(lambda: bool(stream.events), 5)
        assert time.monotonic() - began < 3
        ((_, event, data),) = stream.events
        assert event == "decision"
        assert data.startswith("<tr id=")
        assert data.endswith("</tr>")
        assert "accepted" in data
        assert 'class="arrived"' in data
        trace = re.search(r'href="(/console/requests/[0-9a-f-]{36})"', data)
        assert trace is not None
        assert operator.get(trace[1]).status == 200


def test_it_shows_what_is_asked_for(console: Console, operator: Visitor) -> None:
    account = console.account()
    with (
        streaming(operator, f"?account={account}") as of_account,
        streaming(operator, "?code=refused") as refused,
        streaming(operator, "?code=outside-window&scheme=commercehub-hmac") as both,
        streaming(operator) as everything,
    ):
        own = recorded(console, 2, account=account)
        bad = recorded(console, 3, account=None, code="invalid-signature")
        late = recorded(console, 1, code="outside-window", scheme="commercehub-hmac")
        eventually(lambda: len(everything.events) >= 6, 5)
        eventually(lambda: (of_account.ids, refused.ids, both.ids) == (own, bad + late, late), 5)
        assert everything.ids == own + bad + late


def test_a_merchant_sees_its_own(console: Console) -> None:
    account, other = console.account(), console.account()
    key = console.credentials.create(account, "fiserv-payments", actor=ACTOR)
    foreign = console.credentials.create(other, "fiserv-payments", actor=ACTOR)
    merchant = console.signed_in("merchant", account)
    with streaming(merchant, f"?account={other}") as stream:
        recorded(console, 3, account=other)
        recorded(console, 3, account=None, keyid=foreign.keyid, code="invalid-signature")
        recorded(console, 3, account=None, keyid=None, code="invalid-signature")
        own = recorded(console, 2, account=account) + recorded(console, 2, account=None, keyid=key.keyid, code="invalid-signature")
        eventually(lambda: len(stream.events) >= 4, 5)
        assert stream.ids == own
        later = console.credentials.create(account, "fiserv-payments", actor=ACTOR)
        time.sleep(6)  # as often as the session is looked at
        own += recorded(console, 1, account=None, keyid=later.keyid, code="invalid-signature")
        eventually(lambda: stream.ids == own, 5)


def test_after_a_break_it_goes_on_without_loss_or_repetition(console: Console, operator: Visitor) -> None:
    with streaming(operator) as stream:
        first = recorded(console, 3)
        eventually(lambda: stream.ids == first, 5)
        last = stream.events[-1][0]
    missed = recorded(console, 230)
    with streaming(operator, last=last) as stream:
        more = recorded(console, 5)
        eventually(lambda: len(stream.events) >= 235, 10)
        time.sleep(1)
        assert stream.ids == missed + more
    with streaming(operator, f"?after={missed[-1]}") as stream:
        eventually(lambda: stream.ids == more, 5)
    for wrong in ("x", "-1", "9" * 17, "9" * 30, "1e3"):
        with streaming(operator, last=wrong) as stream:
            new = recorded(console, 1)
            eventually(lambda stream=stream, new=new: stream.ids == new, 5)  # type: ignore[misc]


def test_what_is_in_a_row_never_breaks_the_stream(console: Console, operator: Visitor) -> None:
    attack = "a\r\n\r\ndata: x\n\nevent: y\rid: 9\u2028\x85\x0b<script>alert(1)</script>"
    with streaming(operator) as stream:
        ids = recorded(console, 1, client=attack, account=attack, keyid=attack, trace=attack, code=attack)
        ids += recorded(console, 1)
        eventually(lambda: len(stream.events) >= 2, 5)
        assert stream.ids == ids
        assert {event for _, event, _ in stream.events} == {"decision"}
        assert "<script>" not in stream.raw
        assert all(data.count("<tr ") == data.count("</tr>") == 1 for _, _, data in stream.events)


@pytest.mark.parametrize("way", ["sign-out", "disabled"])
def test_it_ends_with_the_session(console: Console, way: str) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    visitor.get("/console/profile")
    with streaming(Visitor(visitor.port, dict(visitor.cookies))) as stream:
        began = time.monotonic()
        if way == "sign-out":
            visitor.post("/console/sign-out")
        else:
            UserStore(console.database).disable(person.name, ACTOR)
        eventually(lambda: stream.over > 0, 15)
        assert stream.over - began < 9
        recorded(console, 1)
        time.sleep(0.7)
        assert stream.events == []


def test_there_are_only_so_many_at_once_and_places_become_free(console: Console) -> None:
    first, second = console.signed_in(), console.signed_in()
    streams = [Stream(first.port, first.cookies).begin() for _ in range(10)]
    assert [stream.status for stream in streams] == [200] * 10
    with streaming(first) as stream:
        assert stream.status == 503
    with streaming(second) as stream:
        assert stream.status == 200
    for each in streams:
        each.close()

    def free() -> bool:
        with streaming(first) as stream:
            return stream.status == 200

    eventually(free, 10)


def test_a_head_request_has_an_end(operator: Visitor) -> None:
    got = operator.send("HEAD", "/console/requests/stream")
    assert (got.status, got.text) == (200, "")
    assert operator.send("POST", "/console/requests/stream", "x", Origin=operator.origin).status in (403, 405)


def test_the_server_stops_soon_with_a_stream_open(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "sandbox")
    listener = bind(0)
    with serving(vault, listener):
        database = Database.open(vault.accounts_url)
        running = Console(listener.getsockname()[1], vault, database)
        visitor = running.signed_in()
        streams = [Stream(visitor.port, visitor.cookies).begin() for _ in range(3)]
        eventually(lambda: all(stream.raw for stream in streams), 5)
        database.close()
        began = time.monotonic()
    assert time.monotonic() - began < 4  # under three seconds, and what a busy machine adds
    for stream in streams:
        stream.thread.join(timeout=5)
        assert stream.over > 0
        stream.close()


def test_a_refusal_of_a_revoked_key_is_seen_live(console: Console, operator: Visitor) -> None:
    account = console.account()
    issued = console.credentials.create(account, "fiserv-payments", actor=ACTOR)
    key = Credential(issued.keyid, issued.secret, account=account)

    def sale() -> int:
        return console.signed("fiserv-payments", key, "POST", PATH, SALE).status

    eventually(lambda: sale() == 200, 3)
    console.credentials.revoke(issued.keyid, actor=ACTOR)
    eventually(lambda: sale() == 401, 3)
    with streaming(operator, "?code=refused") as stream:
        assert sale() == 401
        eventually(lambda: bool(stream.events), 5)
        assert "invalid-signature" in stream.events[0][2]
