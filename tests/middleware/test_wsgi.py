"""WSGI, call by call (PEP 3333): what no framework would show. The standard library's validator watches both sides."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.validate import validator

import pytest

from payseal import Credential, LedgerError, Verifier
from payseal.credentials import Identity
from payseal.ledger import Answer, Claim, MemoryLedger
from payseal.middleware import WSGIMiddleware, provider_refusal
from tests.middleware.sites import bare_wsgi
from tests.middleware.support import CREDENTIAL, SCHEME, VERIFIER, Headers, Reply, Shop, signed, states, wsgi_call, wsgi_environ, wsgi_run

PLAIN = [("Content-Type", "text/plain")]


def guarded(app: WSGIApplication, ledger: MemoryLedger | None = None, **options: Any) -> WSGIMiddleware:
    return WSGIMiddleware(app, VERIFIER, ledger if ledger is not None else MemoryLedger(), **options)


def given(stream: object, **more: Any) -> dict[str, Any]:
    """An environ's input, and more of the environ."""
    return {"wsgi.input": stream, **more}


def validated(app: WSGIApplication, **options: Any) -> WSGIApplication:
    return validator(guarded(validator(app), **options))


def made(status: str, *pieces: bytes) -> WSGIApplication:
    """An application that answers just this."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(status, PLAIN)
        return list(pieces)

    return app


def again(app: WSGIApplication, headers: Headers) -> str:
    """What the same request finds next: the code of a refusal, or how it was answered."""
    reply = wsgi_call(app, b"{}", headers)
    if reply.header("idempotent-replayed"):
        return f"again {reply.status}"
    return reply.code if reply.header("content-type") == "application/problem+json" else f"anew {reply.status}"


# --- before the application -----------------------------------------------------------------------------------------------------


def test_both_sides_keep_to_the_interface() -> None:
    for keep in (False, True):
        headers = signed(b"{}")
        app = validated(made("201 Created", b"a", b"b"), idempotent=keep)
        environ = wsgi_environ(headers=headers, body=b"{}")
        assert wsgi_run(app, environ).body == b"ab"
        assert wsgi_run(app, wsgi_environ(headers=headers, body=b"{}")).status == (201 if keep else 409)


def test_the_application_reads_the_body_as_if_nobody_had() -> None:
    seen: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        stream = environ["wsgi.input"]
        seen.extend([stream.read(2), stream.readline(), list(stream), stream.read(), environ["CONTENT_LENGTH"]])
        start_response("200 OK", PLAIN)
        return []

    wsgi_call(guarded(app), b"ab\ncd\nef")
    assert seen == [b"ab", b"\n", [b"cd\n", b"ef"], b"", "8"]


def test_what_lies_behind_the_body_is_never_read() -> None:
    stream = io.BytesIO(b"{}GET /next HTTP/1.1")
    assert wsgi_call(guarded(bare_wsgi(Shop())), b"{}", **given(stream)).status == 201
    assert stream.read() == b"GET /next HTTP/1.1"


def test_without_a_length_there_is_no_body() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("reading would wait for ever")

    shop = Shop()
    app = guarded(bare_wsgi(shop))
    assert wsgi_call(app, b"", **given(Endless())).json()["body"] == ""
    assert wsgi_call(app, b"", **given(Endless(), CONTENT_LENGTH="")).status == 201


def test_a_stream_that_ends_by_itself_is_read_to_its_end_and_no_further_than_the_limit() -> None:
    shop = Shop()
    app = guarded(bare_wsgi(shop), max_body=10)
    chunked: dict[str, Any] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None}
    reply = wsgi_call(app, b"abcdefghij", **chunked)
    assert reply.json()["body"] == "abcdefghij"  # by the CONTENT_LENGTH that the application is given
    stream = io.BytesIO(b"x" * 1000)
    assert wsgi_call(app, b"", **chunked | given(stream)).code == "body-too-large"
    assert stream.tell() == 11


def test_a_chunked_body_that_the_server_does_not_hand_over_is_refused() -> None:
    shop = Shop()
    reply = wsgi_call(guarded(bare_wsgi(shop)), b"{}", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH=None)
    assert (reply.status, reply.code) == (400, "incomplete-body")
    assert shop.calls == []


@pytest.mark.parametrize("length", ["-1", "+2", "2_0", "2.0", "0x2", "two", "2, 2", "²"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert wsgi_call(guarded(bare_wsgi(Shop())), b"{}", CONTENT_LENGTH=length).code == "malformed-header"


@pytest.mark.parametrize("length", ["11", "9" * 30, "9" * 5000])
def test_a_declared_length_above_the_limit_is_refused_without_reading(length: str) -> None:
    stream = io.BytesIO(b"x" * 100)
    reply = wsgi_call(guarded(bare_wsgi(Shop()), max_body=10), b"", CONTENT_LENGTH=length, **given(stream))
    assert (reply.status, reply.code) == (413, "body-too-large")
    assert stream.tell() == 0


def test_a_body_that_ends_early_is_refused_and_claims_nothing() -> None:
    shop, ledger = Shop(), MemoryLedger()
    reply = wsgi_call(guarded(bare_wsgi(shop), ledger), b"{}", CONTENT_LENGTH="3")
    assert (reply.status, reply.code) == (400, "incomplete-body")
    assert (shop.calls, ledger.size) == ([], 0)


def test_a_body_that_cannot_be_read_is_refused() -> None:
    class Gone(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the client left")

    assert wsgi_call(guarded(bare_wsgi(Shop())), b"{}", **given(Gone())).code == "incomplete-body"


def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 3))

    assert wsgi_call(guarded(bare_wsgi(Shop())), b"abcdefghij", **given(Slow(b"abcdefghij"))).json()["body"] == "abcdefghij"


def test_a_refusal_of_a_head_request_has_no_body() -> None:
    reply = wsgi_call(validated(made("200 OK")), b"", [], method="HEAD")
    assert (reply.status, reply.body) == (401, b"")


def test_refusals_in_the_providers_words() -> None:
    reply = wsgi_call(guarded(bare_wsgi(Shop()), render=provider_refusal), b"[]", signed(b"{}", nonce="id-1"))
    assert (reply.status, reply.json()["responseType"], reply.json()["clientRequestId"]) == (401, "Unauthenticated", "id-1")


# --- what is protected ---------------------------------------------------------------------------------------------------------------


def test_by_prefix_with_and_without_a_mount_point() -> None:
    app = guarded(bare_wsgi(Shop()), only=("/pay", "/café"))
    open_paths = {target: wsgi_call(app, b"", [], target=target).status for target in ("/free", "/pay", "/pay/1", "//pay", "/x/../pay")}
    assert open_paths == {"/free": 201, "/pay": 401, "/pay/1": 401, "//pay": 401, "/x/../pay": 401}
    assert wsgi_call(app, b"", [], SCRIPT_NAME="/v1").status == 401
    assert wsgi_call(app, b"", [], PATH_INFO="/café".encode().decode("latin-1")).status == 401


def test_by_function() -> None:
    app = guarded(bare_wsgi(Shop()), only=lambda environ: environ["REQUEST_METHOD"] == "POST")
    assert [wsgi_call(app, b"", [], method=method).status for method in ("GET", "POST")] == [201, 401]


# --- credentials and the ledger --------------------------------------------------------------------------------------------------------


def test_an_async_lookup_is_a_mistake_that_shows_at_once() -> None:
    async def find(presented: Identity) -> Credential | None:
        return CREDENTIAL

    with pytest.raises(TypeError, match="ASGIMiddleware"):
        WSGIMiddleware(bare_wsgi(Shop()), Verifier(SCHEME, find), "memory://")  # type: ignore[arg-type]


def test_a_lookup_or_a_ledger_that_fails_refuses_and_the_application_is_never_called(caplog: pytest.LogCaptureFixture) -> None:
    def find(presented: Identity) -> Credential | None:
        raise OSError("db: password=hunter2")

    class Down(MemoryLedger):
        def claim(self, *arguments: Any, **more: Any) -> Claim:
            raise LedgerError("gone")

    caplog.set_level(logging.INFO, "payseal")
    shop = Shop()
    for app in (WSGIMiddleware(bare_wsgi(shop), Verifier(SCHEME, find), "memory://"), guarded(bare_wsgi(shop), Down())):
        reply = wsgi_call(app)
        assert (reply.status, reply.code) == (503, "unavailable")
    assert shop.calls == []
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"] * 2
    assert "hunter2" not in caplog.text


def test_no_request_that_fails_its_mac_claims_anything() -> None:
    ledger = MemoryLedger()
    app = guarded(bare_wsgi(Shop()), ledger)
    headers = signed(b"{}")
    for broken in (
        [(name, "AAAA" + value[4:] if name == "Message-Signature" else value) for name, value in headers],
        [(name, f"{value},{value}" if name == "Client-Request-Id" else value) for name, value in headers],  # sent twice
        headers[:-1],
    ):
        assert wsgi_call(app, b"{}", broken).status == 401
    assert ledger.size == 0
    assert wsgi_call(app, b"{}", headers).status == 201


# --- the answer ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("app", "next_time"),
    [
        (made("200 OK", b"ok"), {False: "replayed", True: "again 200"}),
        (made("200 OK"), {False: "replayed", True: "again 200"}),
        (made("200 OK", b"", b"a", b"", b"b"), {False: "replayed", True: "again 200"}),
        (made("404 Not Found", b"no"), {False: "replayed", True: "again 404"}),
        (made("500 Oh", b"no"), {False: "anew 500", True: "anew 500"}),
    ],
)
def test_what_the_same_request_finds_next(app: WSGIApplication, next_time: dict[bool, str], keep: bool) -> None:
    watched = validated(app, idempotent=keep)
    headers = signed(b"{}")
    assert again(watched, headers).startswith("anew")
    assert again(watched, headers) == next_time[keep]


def test_an_answer_is_given_again_byte_for_byte() -> None:
    pieces = bytes(range(256)), b"\xff\xfe" * 1000

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("299 Hand Made", [*PLAIN, ("X-Two", "1"), ("X-Two", "\xe9")])
        yield from pieces

    headers = signed(b"{}")
    watched = guarded(app, idempotent=True)
    first, second = (wsgi_call(watched, b"{}", headers) for _ in range(2))
    assert first.body == second.body == b"".join(pieces)
    assert second.status == 299
    assert second.headers == [
        *((name, value) for name, value in [*PLAIN, ("X-Two", "1"), ("X-Two", "\xe9")]),
        ("idempotent-replayed", "true"),
    ]


def test_the_write_callable_works() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", PLAIN)
        write(b"a")
        write(b"b")
        return [b"c"]

    for keep, next_time in ((False, "replayed"), (True, "again 200")):
        headers = signed(b"{}")
        watched = validated(app, idempotent=keep)
        assert wsgi_run(watched, wsgi_environ(headers=headers, body=b"{}")).body == b"abc"
        assert again(watched, headers) == next_time
    # A bound that is passed in the middle of it, by each of the two ways out.
    for most in (0, 1, 2):
        headers = signed(b"{}")
        watched = validated(app, idempotent=True, max_answer=most)
        assert wsgi_run(watched, wsgi_environ(headers=headers, body=b"{}")).body == b"abc"
        assert again(watched, headers) == "replayed"


def test_what_is_written_without_being_kept_leaves_at_once() -> None:
    order: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", PLAIN)
        write(b"a")
        order.append("written")
        return []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        order.append("started")
        return lambda data: order.append(data.decode())

    list(guarded(app)(wsgi_environ(headers=signed(b"{}"), body=b"{}"), start_response))
    assert order == ["started", "a", "written"]


def test_an_error_page_takes_the_place_of_an_answer_that_has_not_left() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        try:
            raise RuntimeError("boom")
        except RuntimeError:
            start_response("500 Oh", PLAIN, sys.exc_info())
        return [b"sorry"]

    for keep in (False, True):
        headers = signed(b"{}")
        watched = validated(app, idempotent=keep)
        reply = wsgi_call(watched, b"{}", headers)
        assert (reply.status, reply.body) == (500, b"sorry")
        assert again(watched, headers) == "anew 500"


def test_an_error_page_that_comes_too_late_raises_its_error() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"half"
        try:
            raise RuntimeError("boom")
        except RuntimeError:
            start_response("500 Oh", PLAIN, sys.exc_info())

    for keep in (False, True):
        headers = signed(b"{}")
        watched = validated(app, idempotent=keep)
        with pytest.raises(RuntimeError, match="boom"):
            wsgi_call(watched, b"{}", headers)
        assert again(watched, headers) == "replayed"  # half of a good answer: the work was done


def test_start_response_is_called_once() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        start_response("200 OK", PLAIN)
        return []

    with pytest.raises(AssertionError, match="twice"):
        wsgi_call(guarded(app))


@pytest.mark.parametrize("answer", [[], [b"x"]])
def test_an_application_that_never_starts_its_answer_has_not_done_its_work(answer: list[bytes]) -> None:
    ledger = MemoryLedger()
    with pytest.raises(AssertionError, match="start_response"):
        wsgi_call(guarded(lambda environ, start_response: answer, ledger))
    assert ledger.size == 0


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("when", ["called", "started", "iterated", "half"])
def test_an_application_that_fails_settles_its_claim(when: str, keep: bool) -> None:
    def pieces() -> Iterator[bytes]:
        if when == "iterated":
            raise RuntimeError("boom")
        yield b"half"
        raise RuntimeError("boom")

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if when == "called":
            raise RuntimeError("boom")
        start_response("200 OK", PLAIN)
        if when == "started":
            raise RuntimeError("boom")
        return pieces()

    ledger = MemoryLedger()
    with pytest.raises(RuntimeError, match="boom"):
        wsgi_call(guarded(app, ledger, idempotent=keep))
    # Once an answer below 500 was started the work counts as done: better a retry refused than a payment made twice.
    assert states(ledger) == ([] if when == "called" else [True])


class Closing:
    """An iterable that counts how often it is closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = iter(pieces)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("keep", [False, True])
def test_the_applications_iterable_is_closed_once_whether_or_not_it_was_read(keep: bool) -> None:
    for read_to_the_end in (True, False):
        closing = Closing(b"a", b"b")

        def app(environ: dict[str, Any], start_response: Any, closing: Closing = closing) -> Iterable[bytes]:
            start_response("200 OK", PLAIN)
            return closing

        ledger = MemoryLedger()
        answer = guarded(app, ledger, idempotent=keep)(wsgi_environ(headers=signed(b"{}"), body=b"{}"), lambda *_: lambda data: None)
        if read_to_the_end:
            assert b"".join(answer) == b"ab"
        answer.close()  # type: ignore[attr-defined]
        assert closing.closed == 1
        assert states(ledger) == [True]


def test_the_answer_is_kept_before_its_last_bytes_leave() -> None:
    for keep in (False, True):
        ledger = MemoryLedger()
        environ = wsgi_environ(headers=signed(b"{}"), body=b"{}")
        seen = []
        answer = guarded(made("200 OK", b"a", b"b"), ledger, idempotent=keep)(environ, lambda *_: lambda data: None)
        for _ in answer:
            seen.append(states(ledger))  # noqa: PERF401
        answer.close()  # type: ignore[attr-defined]
        assert seen == [[True]] * 2


def test_an_answer_is_streamed_where_it_is_not_kept() -> None:
    made_so_far: list[int] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        for number in range(3):
            made_so_far.append(number)
            yield b"x"

    answer = iter(guarded(app)(wsgi_environ(headers=signed(b"{}"), body=b"{}"), lambda *_: lambda data: None))
    next(answer)
    assert made_so_far == [0]
    assert b"".join(answer) == b"xx"


def test_an_answer_too_large_to_keep_is_streamed_and_its_id_is_used() -> None:
    headers = signed(b"{}")
    watched = validated(made("200 OK", b"x" * 60, b"x" * 60, b"end"), idempotent=True, max_answer=100)
    assert len(wsgi_call(watched, b"{}", headers).body) == 123
    assert again(watched, headers) == "replayed"


def test_a_ledger_that_fails_after_the_work_does_not_cost_the_client_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Forgetful(MemoryLedger):
        def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
            raise LedgerError("gone")

    for keep in (False, True):
        caplog.clear()
        watched = guarded(made("201 Created", b"paid"), Forgetful(), idempotent=keep)
        headers = signed(b"{}")
        assert wsgi_call(watched, b"{}", headers) == Reply(201, PLAIN, b"paid")
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert again(watched, headers) == "in-flight"


# --- ended by the server ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_work_that_its_server_ended_may_be_done_and_its_retry_does_not_do_it_again(
    error: BaseException, keep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, paid, headers = MemoryLedger(), list[str](), signed(b"{}")

    def at_once(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        paid.append("once")
        raise error

    with pytest.raises(type(error)):
        wsgi_call(guarded(at_once, ledger, idempotent=keep), b"{}", headers)
    assert "a request was cancelled at work" in caplog.text
    assert again(guarded(at_once, ledger, idempotent=keep), headers) == "in-flight"
    assert paid == ["once"]


def test_work_that_its_server_ended_after_it_had_answered_is_done() -> None:
    ledger, headers = MemoryLedger(), signed(b"{}")

    def midway(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b""
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        wsgi_call(guarded(midway, ledger), b"{}", headers)
    assert again(guarded(midway, ledger), headers) == "replayed"
