"""ASGI, message by message: what no framework would show."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from payseal import Credential, LedgerError, Verifier
from payseal.credentials import Identity
from payseal.ledger import Answer, Claim, Ledger, MemoryLedger, Outcome, SQLiteLedger
from payseal.middleware import ASGIMiddleware, provider_refusal
from tests.middleware.sites import bare_asgi
from tests.middleware.support import (
    CREDENTIAL,
    SCHEME,
    VERIFIER,
    App,
    Shop,
    asgi_call,
    asgi_exchange,
    asgi_scope,
    body_events,
    reply_of,
    signed,
    states,
)


def exchange(app: App, events: list[dict[str, Any]], headers: list[tuple[str, str]], **more: Any) -> list[dict[str, Any]]:
    return asyncio.run(asgi_exchange(app, asgi_scope(headers=headers, **more), events))


def answering(*messages: dict[str, Any]) -> Callable[..., ASGIMiddleware]:
    """A middleware around an application that sends just these messages; a message that is an exception is raised."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            if "raise" in message:
                raise message["raise"]
            await send(message)

    return lambda **options: ASGIMiddleware(app, VERIFIER, options.pop("ledger", None) or MemoryLedger(), **options)


def start(status: int = 200, **more: Any) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [(b"x-made", b"by hand")], **more}


def body(piece: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": more}


class Down(MemoryLedger):
    """A ledger that cannot be reached."""

    def __init__(self, error: Exception, *, blocking: bool = False) -> None:
        super().__init__()
        self.error = error
        self.blocking = blocking

    def claim(self, *arguments: Any, **more: Any) -> Claim:
        raise self.error


# --- before the application -----------------------------------------------------------------------------------------------------


def test_the_application_receives_the_body_once_and_then_what_really_happens() -> None:
    received: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())
        received.append(await receive())
        await send(start())
        await send(body(b""))

    exchange(ASGIMiddleware(app, VERIFIER, "memory://"), body_events(b"ab", b"", b"cd"), signed(b"abcd"))
    assert received == [{"type": "http.request", "body": b"abcd", "more_body": False}, {"type": "http.disconnect"}]


def test_what_was_checked_cannot_be_changed_afterwards() -> None:
    piece, received = bytearray(b"{}"), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        piece[:] = b"[]"  # a server that uses its buffer again
        received.append((await receive())["body"])
        await send(start())
        await send(body(b""))

    events: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": False}]
    exchange(ASGIMiddleware(app, VERIFIER, "memory://"), events, signed(b"{}"))
    assert received == [b"{}"]


def test_the_servers_own_scope_is_not_written_to() -> None:
    scope = asgi_scope(headers=signed(b"{}"))
    asyncio.run(asgi_exchange(ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://"), scope, body_events(b"{}")))
    assert "payseal" not in scope


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind() -> None:
    shop, ledger = Shop(), MemoryLedger()
    app = ASGIMiddleware(bare_asgi(shop), VERIFIER, ledger)
    events: list[dict[str, Any]] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    assert exchange(app, events, signed(b"{}")) == []
    assert (shop.calls, ledger.size) == ([], 0)


def test_a_declared_length_above_the_limit_is_refused_without_reading() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing may be read")

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://", max_body=10)
    asyncio.run(app(asgi_scope(headers=[*signed(), ("Content-Length", "11")]), receive, send))  # type: ignore[arg-type]
    assert reply_of(sent).code == "body-too-large"


def test_a_body_that_grows_above_the_limit_is_refused_and_read_no_further() -> None:
    events = [{"type": "http.request", "body": b"x" * 6, "more_body": True} for _ in range(5)]
    seen = iter(events)
    reads = []

    async def receive() -> dict[str, Any]:
        reads.append(1)
        return next(seen)

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://", max_body=10)(asgi_scope(headers=signed()), receive, send))  # type: ignore[arg-type]
    assert reply_of(sent).code == "body-too-large"
    assert len(reads) == 2


@pytest.mark.parametrize("text", ["-1", "ten", "1, 1"])
def test_a_length_that_is_none_is_refused(text: str) -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://")
    assert asgi_call(app, b"", [*signed(b""), ("Content-Length", text)]).code == "malformed-header"


def test_a_refusal_of_a_head_request_has_no_body() -> None:
    reply = asgi_call(ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://"), b"", [], method="HEAD")
    assert (reply.status, reply.body) == (401, b"")
    assert int(reply.header("content-length") or 0) > 0


def test_refusals_in_the_providers_words() -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://", render=provider_refusal)
    headers = signed(b"{}", nonce="id-1")
    reply = asgi_call(app, b"[]", headers)
    assert (reply.status, reply.json()["responseType"], reply.json()["clientRequestId"]) == (401, "Unauthenticated", "id-1")
    assert asgi_call(app, b"[]", []).json()["clientRequestId"] == ""  # not read, so not repeated


# --- what is protected -------------------------------------------------------------------------------------------------------------


def test_by_default_everything_is() -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://")
    assert [asgi_call(app, b"", [], target=target).status for target in ("/", "/pay", "/docs", "*")] == [401] * 4


def test_by_prefix() -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://", only=("/pay", "/v2/"))
    statuses = {
        target: asgi_call(app, b"", [], target=target).status for target in ("/free", "/pay", "/pay/1", "//pay", "/v2", "/v2/x", "/v22")
    }
    assert statuses == {"/free": 201, "/pay": 401, "/pay/1": 401, "//pay": 401, "/v2": 401, "/v2/x": 401, "/v22": 201}


def test_by_function() -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://", only=lambda scope: scope["method"] == "POST")
    assert asgi_call(app, b"", [], method="GET").status == 201
    assert asgi_call(app, b"", []).status == 401


def test_lifespan_passes_through() -> None:
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://")
    sent = asyncio.run(asgi_exchange(app, {"type": "lifespan"}, [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]))
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websockets_are_refused_where_requests_are_protected() -> None:
    reached = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    app = ASGIMiddleware(inner, VERIFIER, "memory://", only=("/pay",))
    scope = asgi_scope(headers=signed()) | {"type": "websocket"}
    sent = asyncio.run(asgi_exchange(app, scope, [{"type": "websocket.connect"}]))
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]
    asyncio.run(asgi_exchange(app, scope | {"path": "/free"}, [{"type": "websocket.connect"}]))
    assert reached == ["/free"]


def test_a_kind_of_connection_that_nobody_knows_is_not_passed_on() -> None:
    shop = Shop()
    with pytest.raises(RuntimeError, match="cannot be verified"):
        asyncio.run(asgi_exchange(ASGIMiddleware(bare_asgi(shop), VERIFIER, "memory://"), {"type": "quic", "path": "/"}, []))
    assert shop.calls == []


# --- credentials and the ledger ------------------------------------------------------------------------------------------------------


def test_the_lookup_may_be_async() -> None:
    async def find(presented: Identity) -> Credential | None:
        await asyncio.sleep(0)
        return CREDENTIAL if presented.keyid == "key-1" else None

    app = ASGIMiddleware(bare_asgi(Shop()), Verifier(SCHEME, find), "memory://")  # type: ignore[arg-type]
    assert asgi_call(app).status == 201
    headers = [(name, "key-2" if name == "Api-Key" else value) for name, value in signed(b"{}")]
    assert asgi_call(app, b"{}", headers).code == "invalid-signature"


@pytest.mark.parametrize("error", [OSError("db: password=hunter2"), KeyError("key-" + "1"), LedgerError("gone"), TimeoutError()], ids=repr)
def test_a_lookup_that_fails_refuses(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def find(presented: Identity) -> Credential | None:
        raise error

    caplog.set_level(logging.DEBUG, "payseal")
    shop = Shop()
    reply = asgi_call(ASGIMiddleware(bare_asgi(shop), Verifier(SCHEME, find), "memory://"))
    assert (reply.status, reply.code) == (503, "unavailable")
    assert shop.calls == []
    assert [record.levelname for record in caplog.records] == ["ERROR", "DEBUG", "INFO"]
    assert "in find" in caplog.text
    assert "hunter2" not in caplog.text
    assert "key-1" not in caplog.text
    assert b"hunter2" not in reply.body


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("error", [LedgerError("gone"), OSError("gone"), ValueError("gone")], ids=repr)
def test_a_ledger_that_is_down_refuses_and_the_application_is_never_called(error: Exception, blocking: bool) -> None:
    shop = Shop()
    reply = asgi_call(ASGIMiddleware(bare_asgi(shop), VERIFIER, Down(error, blocking=blocking)))
    assert (reply.status, reply.code) == (503, "unavailable")
    assert shop.calls == []


def test_a_setting_that_fails_refuses() -> None:
    shop, ledger = Shop(), MemoryLedger()
    reply = asgi_call(ASGIMiddleware(bare_asgi(shop), VERIFIER, ledger, idempotent=lambda request: 1 // 0 > 0))
    assert reply.code == "unavailable"
    assert (shop.calls, ledger.size) == ([], 0)


def test_a_locked_sqlite_ledger_refuses_and_then_works_again(tmp_path: Path) -> None:
    import sqlite3

    ledger = SQLiteLedger(tmp_path / "ledger.db", timeout=0.1)
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, ledger)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    headers = signed(b"{}")
    assert asgi_call(app, b"{}", headers).code == "unavailable"
    other.close()
    assert asgi_call(app, b"{}", headers).status == 201
    ledger.close()


def test_a_blocking_ledger_waits_in_another_thread() -> None:
    threads: set[int] = set()

    class Slow(MemoryLedger):
        blocking = True

        def claim(self, *arguments: Any, **more: Any) -> Claim:
            threads.add(threading.get_ident())
            return super().claim(*arguments, **more)

        def complete(self, *arguments: Any, **more: Any) -> bool:
            threads.add(threading.get_ident())
            return super().complete(*arguments, **more)

    assert asgi_call(ASGIMiddleware(bare_asgi(Shop()), VERIFIER, Slow())).status == 201
    assert threads
    assert threading.get_ident() not in threads


def test_no_request_that_fails_its_mac_claims_anything() -> None:
    ledger = MemoryLedger()
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, ledger)
    headers = signed(b"{}")
    for broken in (
        [(name, "AAAA" + value[4:] if name == "Message-Signature" else value) for name, value in headers],
        [(name, "1700000000000" if name == "Timestamp" else value) for name, value in headers],
        [(name, "other" if name == "Api-Key" else value) for name, value in headers],
        headers + headers[1:2],
        headers[:-1],
    ):
        assert asgi_call(app, b"{}", broken).status == 401
    assert ledger.size == 0
    assert asgi_call(app, b"{}", headers).status == 201


def test_a_refusal_is_one_line_in_the_log_without_a_value_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "payseal")
    app = ASGIMiddleware(bare_asgi(Shop()), VERIFIER, "memory://")
    headers = signed(b'{"card": "4111"}', nonce="11111111-2222-4333-8444-55555555555a")
    reply = asgi_call(app, b'{"card": "4242"}', headers)
    (line,) = caplog.messages
    trace = reply.json()["instance"].removeprefix("urn:uuid:")
    assert line == f"refused code=invalid-signature status=401 scheme=fiserv-payments diagnosis=signature-mismatch trace={trace}"
    assert not any(value in line for _, value in headers)


# --- the answer ------------------------------------------------------------------------------------------------------------------


def outcome_of(app: ASGIMiddleware, headers: list[tuple[str, str]]) -> str:
    """What the same request finds next: the code of a refusal, or how it was answered."""
    reply = asgi_call(app, b"{}", headers)
    if reply.header("idempotent-replayed"):
        return f"again {reply.status}"
    return reply.code if reply.header("content-type") == "application/problem+json" else f"anew {reply.status}"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("messages", "next_time"),
    [
        ([start(200), body(b"ok")], {False: "replayed", True: "again 200"}),
        ([start(204), body(b"")], {False: "replayed", True: "again 204"}),
        ([start(404), body(b"no")], {False: "replayed", True: "again 404"}),
        ([start(500), body(b"no")], {False: "anew 500", True: "anew 500"}),
        ([start(503), body(b"", more=True), body(b"no")], {False: "anew 503", True: "anew 503"}),
        ([start(200), {"type": "http.response.body"}], {False: "replayed", True: "again 200"}),
    ],
)
def test_what_the_same_request_finds_next(messages: list[dict[str, Any]], next_time: dict[bool, str], keep: bool) -> None:
    app = answering(*messages)(idempotent=keep)
    headers = signed(b"{}")
    first = exchange(app, body_events(b"{}"), headers)
    assert first[0] == messages[0]
    assert reply_of(first).body == b"".join(message.get("body", b"") for message in messages[1:])
    assert outcome_of(app, headers) == next_time[keep]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("error", [RuntimeError("boom"), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([], Outcome.FRESH),  # nothing was begun: an honest retry is welcome; unless it was cancelled, and its threads go on
        ([start(500)], Outcome.FRESH),
        ([start(200)], Outcome.DONE),  # an answer was begun: the work was done
        ([start(200), body(b"half", more=True)], Outcome.DONE),
        ([start(200), body(b"whole")], Outcome.DONE),
    ],
)
def test_an_application_that_fails_settles_its_claim(
    messages: list[dict[str, Any]], found: Outcome, error: BaseException, keep: bool, blocking: bool
) -> None:
    ledger = MemoryLedger()
    ledger.blocking = blocking
    app = answering(*messages, {"raise": error})(idempotent=keep, ledger=ledger)
    headers = signed(b"{}")
    with pytest.raises(type(error)):
        exchange(app, body_events(b"{}"), headers)
    unknown = not messages and isinstance(error, asyncio.CancelledError)
    assert states(ledger) == ([True] if found is Outcome.DONE else [False] if unknown else [])


def test_an_application_that_returns_without_an_answer_has_not_done_its_work() -> None:
    ledger = MemoryLedger()
    assert exchange(answering()(ledger=ledger), body_events(b"{}"), signed(b"{}")) == []
    assert ledger.size == 0


@pytest.mark.parametrize("keep", [False, True])
def test_an_answer_left_unfinished_is_passed_on_and_not_kept(keep: bool) -> None:
    app = answering(start(200), body(b"half", more=True))(idempotent=keep)
    headers = signed(b"{}")
    assert exchange(app, body_events(b"{}"), headers) == [start(200), body(b"half", more=True)]
    assert outcome_of(app, headers) == "replayed"


def test_an_answer_is_given_again_byte_for_byte() -> None:
    pieces = bytes(range(256)), b"", b"\xff\xfe" * 1000
    answer: dict[str, Any] = {
        "type": "http.response.start",
        "status": 299,
        "headers": [(b"x-two", b"1"), (b"x-two", b"\xe9"), (b"set-cookie", b"a=b")],
    }
    app = answering(answer, *(body(piece, more=True) for piece in pieces), body(b"end"))(idempotent=True)
    headers = signed(b"{}")
    first = exchange(app, body_events(b"{}"), headers)
    again = exchange(app, body_events(b"{}"), headers)
    assert reply_of(again).body == reply_of(first).body == b"".join(pieces) + b"end"
    assert again[0]["status"] == 299
    assert again[0]["headers"] == [*answer["headers"], (b"idempotent-replayed", b"true")]


def test_the_answer_is_kept_before_its_last_bytes_leave() -> None:
    for keep in (False, True):
        ledger = MemoryLedger()
        done: list[list[bool]] = []
        app = answering(start(200), body(b"a", more=True), body(b"b"))(idempotent=keep, ledger=ledger)

        def look(message: dict[str, Any], done: list[list[bool]] = done, ledger: MemoryLedger = ledger) -> None:
            done.append(states(ledger))

        asyncio.run(asgi_exchange(app, asgi_scope(headers=signed(b"{}")), body_events(b"{}"), look))
        assert done == [[True]] * 3


def test_an_answer_too_large_to_keep_is_streamed_and_its_id_is_used() -> None:
    app = answering(start(200), body(b"x" * 60, more=True), body(b"x" * 60, more=True), body(b"end"))(idempotent=True, max_answer=100)
    headers = signed(b"{}")
    assert len(reply_of(exchange(app, body_events(b"{}"), headers)).body) == 123
    reply = asgi_call(app, b"{}", headers)
    assert (reply.code, reply.json()["detail"]) == ("replayed", "This request was carried out; its answer was not kept")
    exact = answering(start(200), body(b"x" * 100))(idempotent=True, max_answer=100)
    exchange(exact, body_events(b"{}"), headers)
    assert outcome_of(exact, headers) == "again 200"
    above = answering(start(200), body(b"x" * 101))(idempotent=True, max_answer=100)
    exchange(above, body_events(b"{}"), headers)
    assert outcome_of(above, headers) == "replayed"


@pytest.mark.parametrize(
    "messages",
    [
        [start(200, trailers=True), body(b"x"), {"type": "http.response.trailers", "headers": []}],
        [start(200), {"type": "http.response.pathsend", "path": "/file"}],
        [{"type": "http.response.early_hint", "links": []}, start(200), {"type": "http.response.zerocopysend", "file": 1}],
    ],
)
def test_what_extensions_send_passes_through_and_is_not_kept(messages: list[dict[str, Any]]) -> None:
    app = answering(*messages)(idempotent=True)
    headers = signed(b"{}")
    assert exchange(app, body_events(b"{}"), headers) == messages
    assert asgi_call(app, b"{}", headers).code == "replayed"


def test_a_ledger_that_fails_after_the_work_does_not_cost_the_client_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Forgetful(MemoryLedger):
        def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
            raise LedgerError("gone")

    for keep in (False, True):
        caplog.clear()
        app = answering(start(201), body(b"paid"))(idempotent=keep, ledger=Forgetful())
        headers = signed(b"{}")
        assert asgi_call(app, b"{}", headers).body == b"paid"
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert outcome_of(app, headers) == "in-flight"  # and so it is not paid twice


# --- abandoned and cancelled -------------------------------------------------------------------------------------------------------


class Moved:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("redo", "found"), [(False, "outcome-unknown"), (True, "anew 200")])
def test_work_whose_end_nobody_saw(redo: bool, found: str) -> None:
    clock = Moved()
    ledger = MemoryLedger(clock=clock)
    ledger.release = lambda claim: False  # type: ignore[method-assign] # the process died here
    headers = signed(b"{}")
    with pytest.raises(RuntimeError):
        exchange(answering({"raise": RuntimeError()})(ledger=ledger, idempotent=True), body_events(b"{}"), headers)
    app = answering(start(200), body(b"ok"))(ledger=ledger, redo=redo, idempotent=True)
    assert outcome_of(app, headers) == "in-flight"
    clock.now += 61
    assert outcome_of(app, headers) == found


class Waiting(MemoryLedger):
    """A ledger whose claims take as long as the test says."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go, self.released = threading.Event(), threading.Event(), threading.Event()

    def claim(self, *arguments: Any, **more: Any) -> Claim:
        self.entered.set()
        assert self.go.wait(10)
        return super().claim(*arguments, **more)

    def release(self, claim: Claim) -> bool:
        try:
            return super().release(claim)
        finally:
            self.released.set()


def test_a_request_cancelled_while_it_claims_lets_go_of_the_claim() -> None:
    ledger, shop = Waiting(), Shop()

    async def run() -> None:
        app = ASGIMiddleware(bare_asgi(shop), VERIFIER, ledger)
        task = asyncio.ensure_future(asgi_exchange(app, asgi_scope(headers=signed(b"{}")), body_events(b"{}")))
        await asyncio.to_thread(ledger.entered.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ledger.go.set()
        await asyncio.to_thread(ledger.released.wait, 10)

    asyncio.run(run())
    assert (shop.calls, ledger.size) == ([], 0)


def test_a_request_cancelled_at_work_may_have_done_it_and_its_retry_does_not_do_it_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, paid, go = Moved(), list[str](), threading.Event()
    ledger = MemoryLedger(clock=clock)
    headers = signed(b"{}")

    async def run() -> None:
        entered = asyncio.Event()

        def pay() -> None:
            assert go.wait(10)
            paid.append("once")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            working = asyncio.ensure_future(asyncio.to_thread(pay))
            entered.set()
            try:
                await asyncio.shield(working)
            finally:
                go.set()

        task = asyncio.ensure_future(asgi_exchange(ASGIMiddleware(app, VERIFIER, ledger), asgi_scope(headers=headers), body_events(b"{}")))
        await entered.wait()
        for _ in range(3):
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert paid == ["once"]  # the thread went on
    assert "a request was cancelled at work" in caplog.text
    app = answering(start(200), body(b"ok"))(ledger=ledger, idempotent=True)
    assert outcome_of(app, headers) == "in-flight"
    clock.now += 61
    assert outcome_of(app, headers) == "outcome-unknown"


def test_a_request_cancelled_when_its_answer_has_begun_is_settled_by_that() -> None:
    ledger = MemoryLedger()
    headers = signed(b"{}")

    async def run() -> None:
        entered = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start(200))
            entered.set()
            await asyncio.sleep(60)

        task = asyncio.ensure_future(asgi_exchange(ASGIMiddleware(app, VERIFIER, ledger), asgi_scope(headers=headers), body_events(b"{}")))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert outcome_of(answering(start(200), body(b"ok"))(ledger=ledger), headers) == "replayed"


def test_of_many_requests_at_once_one_is_processed(tmp_path: Path) -> None:
    ledgers: list[Ledger] = [MemoryLedger(), SQLiteLedger(tmp_path / "ledger.db")]
    for ledger in ledgers:
        shop = Shop()
        app = ASGIMiddleware(bare_asgi(shop), VERIFIER, ledger)
        headers = signed(b"{}")

        async def run(app: ASGIMiddleware = app, headers: list[tuple[str, str]] = headers) -> list[int]:
            calls = [asgi_exchange(app, asgi_scope(headers=headers), body_events(b"{}")) for _ in range(20)]
            return sorted(reply_of(sent).status for sent in await asyncio.gather(*calls))

        assert asyncio.run(run()) == [201] + [409] * 19
        assert shop.calls == ["/pay"]
        ledger.close()


# --- in a framework's own list of middleware -----------------------------------------------------------------------------------------


def test_it_is_added_to_fastapi_and_starlette_like_any_other() -> None:
    import fastapi
    import starlette.applications

    for app in (fastapi.FastAPI(), starlette.applications.Starlette()):
        app.add_middleware(ASGIMiddleware, verifier=VERIFIER, ledger="memory://", only="/pay", max_body=100)
        assert asgi_call(app, b"", []).code == "missing-header"
        assert asgi_call(app).status == 404  # the application's own answer: it has no such route
        assert asgi_call(app, b"", [], target="/free").status == 404


def test_a_trailer_that_a_server_adds_to_the_headers_is_not_handed_on() -> None:
    scope = asgi_scope(headers=signed(b"{}"))
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(scope["headers"])
        await answering(start(200), body(b"ok"))().app(scope, receive, send)

    events = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.request", "body": b"}", "more_body": False}])

    async def receive() -> Any:
        message = next(events)
        if not message["more_body"]:
            scope["headers"].append((b"x-amount", b"0.01"))  # as uvicorn does with httptools
        return message

    before = list(scope["headers"])
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(ASGIMiddleware(app, VERIFIER, "memory://")(scope, receive, send))
    assert sent[0]["status"] == 200
    assert seen == before
    assert len(scope["headers"]) == len(before) + 1
