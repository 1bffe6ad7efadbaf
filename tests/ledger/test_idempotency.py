"""The middleware before a ledger that processes share: answers byte for byte, and ids that belong to their account."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from payseal import Credential, Signer, Verifier
from payseal.ledger import Answer, Ledger, open_ledger
from payseal.ledger.grouping import GroupedLedger, Job
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from tests.ledger.test_outages import eventually
from tests.middleware.support import (
    SCHEME,
    SIGNER,
    Headers,
    Reply,
    asgi_call,
    asgi_exchange,
    asgi_scope,
    body_events,
    reply_of,
    signed,
    wsgi_call,
)

OTHER = Credential(keyid="key-2", secret="battery staple", account="shop-2")
VERIFIER = Verifier(SCHEME, {"key-1": Credential(keyid="key-1", secret="correct horse", account="shop-1"), "key-2": OTHER})

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def shared(url: str) -> Iterator[Ledger]:
    ledger = open_ledger(url)
    yield ledger
    ledger.close()


class Shop:
    """Answers each call otherwise, so that a repeated one is seen."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        call = str(self.calls).encode()
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"x-call", call),
            (b"x-bytes", bytes(range(33, 256))),
            (b"x-call", b"twice"),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        if scope["path"] == "/streamed":
            for _ in range(3):
                await send({"type": "http.response.body", "body": EVERY_BYTE * 300, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        elif scope["path"] == "/large":
            await send({"type": "http.response.body", "body": EVERY_BYTE * 1000})
        elif scope["path"] == "/down":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await send({"type": "http.response.body", "body": call + EVERY_BYTE})

    def wsgi(self, environ: Any, start_response: Any) -> list[bytes]:
        self.calls += 1
        call = str(self.calls)
        start_response(
            "201 Created",
            [("X-Call", call), ("X-Bytes", bytes(range(33, 256)).decode("latin-1")), ("Set-Cookie", "a"), ("Set-Cookie", "b")],
        )
        return [call.encode(), EVERY_BYTE]


def call(app: ASGIMiddleware, body: bytes = b"{}", headers: Headers | None = None, target: str = "/pay") -> Reply:
    return asgi_call(app, body, headers, target=target)


def test_the_answer_is_given_again_byte_for_byte(shared: Ledger) -> None:
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared, idempotent=True)
    headers = signed(b"{}")
    first = call(app, headers=headers)
    again = [call(app, headers=headers) for _ in range(3)]
    assert (first.status, first.body) == (201, b"1" + EVERY_BYTE)
    for reply in again:
        assert (reply.status, reply.body) == (first.status, first.body)
        assert reply.headers == [*first.headers, ("idempotent-replayed", "true")]
    assert shop.calls == 1


def test_so_it_is_through_wsgi(shared: Ledger) -> None:
    shop = Shop()
    app = WSGIMiddleware(shop.wsgi, VERIFIER, shared, idempotent=True)
    headers = signed(b"{}")
    first, again = (wsgi_call(app, b"{}", headers) for _ in range(2))
    assert (again.status, again.body) == (201, b"1" + EVERY_BYTE)
    assert again.headers == [*first.headers, ("idempotent-replayed", "true")]
    assert shop.calls == 1


@pytest.mark.parametrize("target", ["/large", "/streamed"])
def test_an_answer_over_the_limit_is_sent_whole_and_marked_done_without_a_body(shared: Ledger, target: str) -> None:
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared, idempotent=True, max_answer=100_000)
    headers = signed(b"{}", target=target)
    first = call(app, headers=headers, target=target)
    assert (first.status, len(first.body)) == (201, 256_000 if target == "/large" else 230_400)
    again = call(app, headers=headers, target=target)
    assert (again.status, again.code) == (409, "replayed")
    assert shared.stats().done == 1
    assert shop.calls == 1


def test_another_body_under_the_same_id_is_422(shared: Ledger) -> None:
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared, idempotent=True)
    assert call(app, b"1", signed(b"1", nonce="one-id")).status == 201
    other = call(app, b"2", signed(b"2", nonce="one-id"))
    assert (other.status, other.code) == (422, "id-reused")
    assert shop.calls == 1


def test_another_accounts_id_is_another_id(shared: Ledger) -> None:
    app = ASGIMiddleware(Shop(), VERIFIER, shared, idempotent=True)
    bodies = [call(app, b"{}", signed(b"{}", nonce="one-id", signer=signer)).body for signer in (SIGNER, Signer(SCHEME, OTHER), SIGNER)]
    assert [body[:1] for body in bodies] == [b"1", b"2", b"1"]


def test_of_many_at_once_one_is_processed_and_none_waits_for_a_thread(shared: Ledger) -> None:
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared)
    headers = signed(b"{}")

    async def run() -> list[int]:
        async def no_thread(*_: Any) -> None:
            raise AssertionError("a thread of the event loop's own was used")

        asyncio.get_running_loop().run_in_executor = no_thread  # type: ignore[assignment, method-assign]
        calls = [asgi_exchange(app, asgi_scope(headers=headers), body_events(b"{}")) for _ in range(200)]
        return sorted(reply_of(sent).status for sent in await asyncio.gather(*calls))

    assert asyncio.run(run()) == [201] + [409] * 199
    assert shop.calls == 1


def held_up(ledger: Ledger) -> threading.Event:
    """Every group of this ledger waits for 0.3 seconds; the event is set when one has begun."""
    assert isinstance(ledger, GroupedLedger)
    run, began = ledger._grouping._run, threading.Event()

    def slow(jobs: list[Job], deadline: float) -> None:
        began.set()
        time.sleep(0.3)
        run(jobs, deadline)

    ledger._grouping._run = slow
    return began


def test_a_request_cancelled_while_it_claims_lets_go_of_the_claim(shared: Ledger) -> None:
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared)

    async def run() -> None:
        began = held_up(shared)
        tasks = [asyncio.ensure_future(asgi_exchange(app, asgi_scope(headers=signed(b"{}")), body_events(b"{}"))) for _ in range(5)]
        await asyncio.to_thread(began.wait, 10)
        await asyncio.sleep(0.05)  # one group is on its way, the others wait
        for task in tasks:
            task.cancel()
        for task in tasks:
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    eventually(lambda: shared.stats().total == 0)
    assert shop.calls == 0


@pytest.mark.parametrize("begun", [False, True], ids=["at work", "its answer begun"])
def test_a_cancelled_request_is_settled_by_its_answer_or_not_at_all_however_often_it_is_cancelled(shared: Ledger, *, begun: bool) -> None:
    async def run() -> None:
        entered = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if begun:
                await send({"type": "http.response.start", "status": 500, "headers": []})
            entered.set()
            await asyncio.sleep(60)

        guarded = ASGIMiddleware(app, VERIFIER, shared)
        task = asyncio.ensure_future(asgi_exchange(guarded, asgi_scope(headers=signed(b"{}")), body_events(b"{}")))
        await entered.wait()
        held_up(shared)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    # A thread that it began may go on, and do the work: nobody knows. An answer that has failed has let go.
    eventually(lambda: (shared.stats().in_flight, shared.stats().total) == ((0, 0) if begun else (1, 1)))


def test_a_ledger_that_does_not_answer_refuses_within_its_time(shared: Ledger) -> None:
    assert isinstance(shared, GroupedLedger)
    shop = Shop()
    app = ASGIMiddleware(shop, VERIFIER, shared)
    shared.timeout, shared.patience = 0.1, 0.1

    async def run() -> Reply:
        held_up(shared)
        return reply_of(await asgi_exchange(app, asgi_scope(headers=signed(b"{}")), body_events(b"{}")))

    reply = asyncio.run(run())
    assert (reply.status, reply.code) == (503, "unavailable")
    assert json.loads(reply.body)["status"] == 503
    assert shop.calls == 0
    shared.timeout, shared.patience = 5, 5
    eventually(lambda: shared.stats().total == 0)


def test_many_large_answers_settled_at_the_same_moment_are_all_kept(shared: Ledger) -> None:
    assert isinstance(shared, GroupedLedger)
    claims = [shared.claim("s", str(number), b"f", 600) for number in range(24)]
    answers = [Answer(200, ((b"x-number", str(number).encode()),), EVERY_BYTE * 4096) for number in range(24)]
    shared.timeout = shared.patience = 20
    futures = [shared.complete_soon(claim, answer) for claim, answer in zip(claims, answers, strict=True)]
    assert all(future.result(20) for future in futures)
    assert [shared.claim("s", str(number), b"f", 600).answer for number in range(24)] == answers
