"""``payseal request``: what is sent, what is shown, and how it ends."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal.cli import send, terminal
from payseal.cli.json_layout import laid_out

from .conftest import KEYID, OK, SECRET, Recorder, Run, request_of

SCHEME = ("--scheme", "fiserv-payments")
VERIFIER = payseal.Verifier(payseal.scheme("fiserv-payments"), payseal.Credential(KEYID, SECRET))


class _Api(http.server.BaseHTTPRequestHandler):
    """A payment API of a few lines that verifies what it is asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            authenticated = VERIFIER.verify(payseal.Request(self.command, self.path, self.headers.items(), body))
            status, answer = 200, {"id": authenticated.id, "got": body.decode()}
        except payseal.Rejected as rejected:
            status, answer = rejected.status, {"code": rejected.code}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "is_terminal", lambda: True)
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)


@pytest.mark.parametrize("method", ["GET", "post", "PUT", "PATCH", "DELETE", "HEAD"])
def test_every_method_without_a_body_is_accepted_by_a_real_server(run: Run, api: str, method: str) -> None:
    result = run("request", *SCHEME, method, f"{api}/payments")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("HTTP 200 OK\n")


@pytest.mark.parametrize(
    "content", [b'{"a": "\xc3\xa9"}\n', b"a\r\nb", b"\xef\xbb\xbf{}", b"x" * 3_000_000], ids=["json", "text", "mark", "large"]
)
def test_the_bytes_of_a_file_are_what_the_server_gets(run: Run, api: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "body"
    path.write_bytes(content)
    result = run("request", *SCHEME, "--body", str(path), "--raw", "POST", f"{api}/payments?a=1")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["got"].encode() == content
    assert result.stderr.startswith("HTTP 200 OK\n")


def test_json_is_sent_as_it_is_written(run: Run, recorder: Recorder) -> None:
    text = '{ "total": 1.10, "name": "é/", "n": 1e2 }'
    assert run("request", *SCHEME, "--json", text, "POST", recorder.url("/pay")).exit_code == 0
    request = request_of(recorder.requests[0])
    VERIFIER.verify(request)
    assert request.body == text.encode()
    assert request.values("content-type") == ["application/json"]
    assert request.values("host") == [f"127.0.0.1:{recorder.port}"]
    assert len(request.headers) == len({name.lower() for name, _ in request.headers})


def test_headers_that_are_given_stand_in_place_of_the_usual_ones(run: Run, recorder: Recorder) -> None:
    headers = ["User-Agent: mine", "Content-Type: text/json", "Host: api.example.com", "Content-Length: 2", "X: 1", "X: 2"]
    options = [word for header in headers for word in ("-H", header)]
    assert run("request", *SCHEME, *options, "--json", "{}", "POST", recorder.url("/pay")).exit_code == 0
    request = request_of(recorder.requests[0])
    for name, values in {"user-agent": ["mine"], "content-type": ["text/json"], "host": ["api.example.com"], "x": ["1", "2"]}.items():
        assert request.values(name) == values
    assert request.values("content-length") == ["2"]


@pytest.mark.parametrize("target", ["/a/../b", "/?", "/x?a=[1]&b={}", "//a"])
def test_the_target_is_sent_as_it_is_written(run: Run, recorder: Recorder, target: str) -> None:
    run("request", *SCHEME, "GET", recorder.url(target))
    assert request_of(recorder.requests[0]).target == target


@pytest.mark.parametrize(("status", "code"), [(200, 0), (201, 0), (299, 0), (301, 1), (400, 1), (401, 1), (409, 1), (500, 1)])
def test_the_exit_code_tells_whether_the_answer_is_2xx(run: Run, recorder: Recorder, status: int, code: int) -> None:
    recorder.answer = OK.replace(b"200 OK", b"%d Word" % status)
    result = run("request", *SCHEME, "GET", recorder.url("/x"))
    assert result.exit_code == code
    assert result.stdout.startswith(f"HTTP {status} Word\n")


def test_a_wrong_secret_is_answered_401_and_is_exit_code_1(run: Run, api: str) -> None:
    result = run("request", *SCHEME, "GET", f"{api}/x", env={"PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": "wrong"})
    assert result.exit_code == 1
    assert "invalid-signature" in result.stdout


def test_a_redirect_is_named_and_not_followed(run: Run, recorder: Recorder) -> None:
    recorder.answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://elsewhere.example/\x1b[31m\r\nContent-Length: 0\r\n\r\n"
    result = run("request", *SCHEME, "GET", recorder.url("/x"))
    assert result.exit_code == 1
    assert "points to https://elsewhere.example/\\u001b[31m, and was not followed" in result.stderr
    assert len(recorder.requests) == 1


def test_away_from_a_terminal_and_with_raw_the_body_is_byte_for_byte(run: Run, recorder: Recorder) -> None:
    body = bytes(range(256))
    recorder.answer = b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 256\r\n\r\n" + body
    assert run("request", *SCHEME, "--raw", "GET", recorder.url("/x")).stdout_bytes == body
    assert run("request", *SCHEME, "GET", recorder.url("/x")).stdout_bytes == b"HTTP 200 OK\nX-A: b\nContent-Length: 256\n\n" + body


@pytest.mark.usefixtures("on_a_terminal")
def test_on_a_terminal_json_is_laid_out_and_no_amount_changes(run: Run, recorder: Recorder) -> None:
    assert '{\n  "total": 1.10\n}' in run("request", *SCHEME, "GET", recorder.url("/x")).stdout


@pytest.mark.usefixtures("on_a_terminal")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"hello\x1b]0;title\x07", "hello\\u001b]0;title\\u0007"),
        ('"\u009b31m\u202e"'.encode(), "\\u009b31m\\u202e"),
        (b"[bold]text[/bold]", "[bold]text[/bold]"),
        (b"\xff\xfe\x00", "(3 bytes that are not text; --raw writes them as they are)"),
    ],
    ids=["text", "json", "markup", "binary"],
)
def test_on_a_terminal_nothing_that_came_steers_it(run: Run, recorder: Recorder, body: bytes, expected: str) -> None:
    recorder.answer = b"HTTP/1.1 200 \x1b[2J\r\nX: \x1b[2J\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    result = run("request", *SCHEME, "GET", recorder.url("/x"))
    assert expected in result.stdout
    assert "\x1b" not in result.stdout


def test_verbose_shows_what_is_sent_with_tokens_masked(run: Run, recorder: Recorder) -> None:
    env = {"PAYSEAL_KEYID": "k1", "PAYSEAL_TOKEN": "tok-distinctive"}
    headers = ("-H", "Cookie: c-distinctive", "-H", "X-Api-Key: a-distinctive", "-H", "X-Plain: p")
    result = run(
        "request", "--scheme", "commercehub-digest", "-v", *headers, "--json", '{"card": 4242}', "POST", recorder.url("/x?a=b"), env=env
    )
    assert "> POST /x?a=b HTTP/1.1\n" in result.stderr
    assert "> Authorization: Bearer ********\n" in result.stderr
    assert "> X-Plain: p\n" in result.stderr
    assert "> Api-Key: k1\n" in result.stderr
    assert "distinctive" not in result.output
    assert "4242" not in result.output
    sent = request_of(recorder.requests[0])
    assert sent.values("authorization") == ["Bearer tok-distinctive"]
    for name, value in sent.headers:
        assert f"> {name}: " in result.stderr
        assert name in ("Authorization", "Cookie", "X-Api-Key") or f"> {name}: {value}\n" in result.stderr


def test_no_connection_is_exit_code_4_and_says_that_nothing_was_sent(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = run("request", *SCHEME, "GET", f"http://127.0.0.1:{port}/x")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "Connection refused; nothing was sent" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_host_that_does_not_exist_is_exit_code_4(run: Run) -> None:
    for host in ("nonesuch.invalid", f"{'a' * 64}.invalid"):
        result = run("request", *SCHEME, "GET", f"https://{host}/x")
        assert (result.exit_code, result.stdout) == (4, "")
        assert "nothing was sent" in result.stderr
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "the connection was closed"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "not HTTP (LineTooLong)"),
    ],
    ids=["closed", "not HTTP", "cut short", "endless header"],
)
def test_no_answer_is_exit_code_4_and_says_that_it_may_have_been_processed(
    run: Run, recorder: Recorder, answer: bytes | None, said: str
) -> None:
    recorder.answer = answer
    result = run("request", *SCHEME, "GET", recorder.url("/x"))
    assert (result.exit_code, result.stdout) == (4, "")
    assert said in result.stderr
    assert "may have been processed" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_wait_for_an_answer_ends(run: Run, recorder: Recorder) -> None:
    recorder.silent = True
    result = run("request", *SCHEME, "--timeout", "0.2", "GET", recorder.url("/x"))
    assert result.exit_code == 4
    assert "nothing came for 0.2 s" in result.stderr


def test_tls_to_a_server_that_has_none_is_exit_code_4(run: Run, recorder: Recorder) -> None:
    recorder.answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer_in_plain_text, args=(server,))
        thread.start()
        result = run("request", *SCHEME, "GET", f"https://127.0.0.1:{server.getsockname()[1]}/x")
        thread.join()
    assert result.exit_code == 4
    assert "TLS failed" in result.stderr
    assert "nothing was sent" in result.stderr


def _answer_in_plain_text(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_an_unencrypted_request_to_another_machine_is_warned_of(run: Run) -> None:
    result = run("request", *SCHEME, "GET", "http://nonesuch.invalid/x")
    assert "unencrypted" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("GET", "/x"), "absolute"),
        (("G T", "http://127.0.0.1:1/"), "method"),
        (("POST", "http://127.0.0.1:1/", "--json", "{}", "--body", "-"), "two bodies"),
        (("POST", "http://127.0.0.1:1/", "--json", "{a: 1}"), "that is not JSON (line 1, column 2)"),
        (("POST", "http://127.0.0.1:1/", "--json", "{}", "-H", "Content-Length: 3"), "Content-Length"),
        (("POST", "http://127.0.0.1:1/", "--json", "{}", "-H", "Transfer-Encoding: chunked"), "Transfer-Encoding"),
        (("POST", "http://127.0.0.1:1/", "--timeout", "0"), "in seconds"),
        (("POST", "http://127.0.0.1:1/", "--timeout", "soon"), "in seconds"),
        (("POST", "http://127.0.0.1:1/", "-H", "Timestamp: 1"), "the scheme writes this header itself"),
        (("POST",), "URL"),
    ],
)
def test_wrong_use_is_exit_code_2_and_nothing_is_sent(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("request", *SCHEME, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "{}"),
        ("[ ]", "[]"),
        ('"a{,"', '"a{,"'),
        ("1.10", "1.10"),
        ('{"a":[1,{"b":"\\"}"}],"c":{}}', '{\n  "a": [\n    1,\n    {\n      "b": "\\"}"\n    }\n  ],\n  "c": {}\n}'),
        ("{", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_json_is_laid_out_token_by_token(text: str, expected: str | None) -> None:
    assert laid_out(text) == expected
    if expected is not None:
        assert json.loads(expected) == json.loads(text)
