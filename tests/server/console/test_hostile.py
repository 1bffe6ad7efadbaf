"""Whatever is sent to the console, it answers as it should: never with a failure of its own, never with a trace of one."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest

from .conftest import Console, Visitor
from .test_door import FORMS, PAGES

EVERYWHERE = [*PAGES, "/console/sign-in", "/console/link", "/explanations/x", "/console/nothing", "/explanations", "/console/"]


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.signed_in()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing fails behind the answers either."""
    with caplog.at_level(logging.WARNING):
        yield
    assert "Traceback" not in caplog.text
    assert "the console failed" not in caplog.text
    assert "Exception" not in caplog.text


def raw(console: Console, text: bytes, *, leave: bool = False) -> bytes:
    """What is answered to these bytes; with ``leave``, whoever sends them goes away."""
    with socket.create_connection(("127.0.0.1", console.port), timeout=10) as connection:
        connection.sendall(text)
        if leave:
            return b""
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_head_request_is_answered_as_a_get_without_its_body(operator: Visitor, console: Console, path: str) -> None:
    for visitor in (operator, console.visitor()):
        got, head = visitor.get(path), visitor.send("HEAD", path)
        assert head.text == ""
        assert (head.status, head.headers["Content-Type"]) == (got.status, got.headers["Content-Type"])
        assert head.headers["Content-Security-Policy"] == got.headers["Content-Security-Policy"] is not None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "TRACE", "SEARCH"])
def test_another_method_is_not_allowed(operator: Visitor, method: str) -> None:
    for path in (*EVERYWHERE[:3], *FORMS[:3], "/console/requests/stream"):
        got = operator.send(method, path)
        assert got.status in (404, 405)
        assert got.headers["Content-Security-Policy"] is not None
        assert got.headers["X-Frame-Options"] == "DENY"


def test_a_form_is_not_read_and_a_page_is_not_sent(operator: Visitor) -> None:
    for path in FORMS:
        assert operator.get(path).status in (404, 405)
    operator.get("/console/profile")
    for path in ("/console", "/console/audit", "/console/requests"):
        assert operator.post(path).status == 405


@pytest.mark.parametrize(
    "host",
    [b"[", b"[::1", b"]", b"a:b:c", b"127.0.0.1:99999999", b"", b"evil.example", b"x" * 5000, b"\xff\xfe", b"a/b?c#d", b"u:p@h", b"%zz"],
)
def test_an_odd_host_is_no_failure_and_is_never_reflected(console: Console, operator: Visitor, host: bytes) -> None:
    cookie = b"Cookie: payseal=" + operator.cookies["payseal"].encode() + b"\r\n"
    for path in (b"/console", b"/console/", b"/console/nothing/", b"/console/sign-in", b"/console/requests/stream"):
        for given in (b"", cookie if b"stream" not in path else b""):
            answer = raw(console, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + given + b"\r\n")
            assert status_of(answer) in (200, 303, 400, 401, 404)
            assert b"evil.example" not in answer
    form = (
        b"POST /console/sign-in HTTP/1.1\r\nHost: "
        + host
        + b"\r\nOrigin: http://127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert status_of(raw(console, form)) in (400, 403)


@pytest.mark.parametrize(
    "cookie",
    [
        "payseal=" + "x" * 30_000,
        "x=y; " * 3000,
        "payseal=",
        "payseal",
        "=;=;=",
        "payseal=\xff\xfe",
        'payseal="\\"; payseal="',
        "payseal=a; payseal=b",
        "payseal=%00%0d%0a",
        "\x01\x02",
    ],
)
def test_an_odd_cookie_opens_nothing(console: Console, cookie: str) -> None:
    for path in ("/console", "/console/requests/stream"):
        text = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
        assert status_of(raw(console, text.encode("latin-1"))) in (303, 400, 401, 431)


def test_an_odd_form_is_refused(console: Console, operator: Visitor) -> None:
    operator.get("/console/profile")
    token = f"csrf={operator.csrf}"
    bodies = [
        token + "&a=b" * 10_000,
        "&".join(f"f{number}=1" for number in range(10_000)),
        token + "&id=%ff%fe%zz%",
        token + "&id=%00",
        token + "&id=" + "%F0%9F%92%A9" * 1000,
        token + "&id=%ED%A0%80",
        token + "&" + "&" * 50_000,
        token + "&" + "=" * 50_000,
        token + "&id=" + "[" * 50_000,
        '{"csrf": "json"}',
        "------boundary\r\nContent-Disposition: form-data; name=csrf\r\n\r\nx",
        ";",
    ]
    for path in FORMS:
        if path in ("/console/sign-out", "/console/profile/sign-out-everywhere"):
            continue
        for body in bodies:
            got = operator.send("POST", path.replace("demo", "nobody"), body, Origin=operator.origin, Content_Type="text/plain;charset=x")
            assert got.status in (200, 400, 403, 404), (path, body[:60])
            assert "Traceback" not in got.text
    assert operator.get("/console").status == 200


def test_a_form_that_is_cut_off_harms_nobody(console: Console) -> None:
    for length in (b"1000000000", b"100"):
        head = b"POST /console/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nname=a"
        raw(console, head, leave=True)
    chunks = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    head = b"POST /console/sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert status_of(raw(console, head + chunks * 5 + b"0\r\n\r\n")) == 413
    assert console.visitor().get("/console/sign-in").status == 200


@pytest.mark.parametrize(
    "query",
    ["%00", "x=%00&said=%00", "%ff%fe", "&&&&====", "before=%00", "a=1" + "&a=1" * 5000, "said=__class__", "next=%0d%0aSet-Cookie:x=1"],
)
def test_an_odd_query_is_no_failure(console: Console, operator: Visitor, query: str) -> None:
    for path in EVERYWHERE:
        for visitor in (operator, console.visitor()):
            got = visitor.get(f"{path}?{query}")
            assert got.status in (200, 303, 404)
            assert "x=1" not in str(got.headers["Set-Cookie"])


def test_headers_of_a_browser_may_hold_anything(console: Console, operator: Visitor) -> None:
    for value in ("x" * 10_000, "\xff\xfe<script>alert(1)</script>", "\t"):
        visitor = console.visitor()
        got = visitor.get("/console/sign-in", User_Agent=value, HX_Request=value, Sec_Fetch_Site=value, Origin=value, X_CSRF_Token=value)
        assert got.status == 200
    person, visitor = console.person(), console.visitor()
    form = {"name": person.name, "password": "correct horse battery staple"}
    assert visitor.post("/console/sign-in", form, User_Agent="<script>alert(1)</script>").status == 303
    page = visitor.get("/console/profile").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
