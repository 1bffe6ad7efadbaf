"""A captured request as text: what is read, and what is refused because it could be read in two ways."""

from __future__ import annotations

import random

import pytest

from payseal.cli.raw_http import parse_request
from payseal.errors import PaysealError

HEAD = b"POST /pay?a=1 HTTP/1.1\r\nHost: api.example.com\r\nX-A:  one\ttwo \r\n"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_request_line_headers_and_body(end: bytes) -> None:
    capture = parse_request(HEAD.replace(b"\r\n", end) + b"Content-Length: 4" + end + end + b"a\r\nb")
    request = capture.request
    assert (request.method, request.target, request.body) == ("POST", "/pay?a=1", b"a\r\nb")
    assert request.headers == (("Host", "api.example.com"), ("X-A", "one\ttwo"), ("Content-Length", "4"))
    assert capture.delimited


def test_without_a_length_the_body_is_the_rest_of_the_file() -> None:
    capture = parse_request(HEAD + b"\r\nbody\n\n")
    assert capture.request.body == b"body\n\n"
    assert not capture.delimited


def test_blank_lines_before_the_request_line_do_not_count() -> None:
    assert parse_request(b"\r\n\n" + HEAD + b"\r\n").request.method == "POST"


def test_repeated_headers_and_bytes_beyond_ascii_are_kept_for_the_verifier_to_judge() -> None:
    request = parse_request(b"GET /\xe9 HTTP/1.1\nA: 1\na: \xff\n\n").request
    assert request.values("a") == ["1", "\xff"]
    assert request.target == "/\xe9"


@pytest.mark.parametrize(
    ("target", "expected", "host"),
    [
        ("https://API.example.com/pay?a=1", "/pay?a=1", "api.example.com"),
        ("http://api.example.com:8080", "/", "api.example.com:8080"),
        ("https://api.example.com:443?x", "/?x", "api.example.com"),
        ("HTTPS://[::1]:8443/x", "/x", "[::1]:8443"),
    ],
)
def test_an_absolute_target_becomes_a_path_and_its_authority_the_host(target: str, expected: str, host: str) -> None:
    request = parse_request(f"POST {target} HTTP/1.1\nHost: other\nA: b\n\n".encode()).request
    assert request.target == expected
    assert request.values("host") == [host]


def test_asterisk_form() -> None:
    assert parse_request(b"OPTIONS * HTTP/1.1\n\n").request.target == "*"


@pytest.mark.parametrize(
    "body",
    [
        b"4\r\nabcd\r\n3\r\n\r\n1\r\n0\r\n\r\n",
        b"4\nabcd\n3\n\r\n1\n0\n\n",
        b"0004;name=value\r\nabcd\r\n3 \r\n\r\n1\r\n000\r\nTrailer: x\r\n\r\n",
    ],
    ids=["CRLF", "LF", "extensions and trailers"],
)
def test_chunks_are_put_together(body: bytes) -> None:
    capture = parse_request(HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + body)
    assert capture.request.body == b"abcd\r\n1"
    assert capture.delimited


CHUNKED = b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n"
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b"\r\n\n", "empty"),
    "byte-order mark": (b"\xef\xbb\xbfGET / HTTP/1.1\n\n", "byte-order mark"),
    "UTF-16": ("GET / HTTP/1.1\n\n".encode("utf-16"), "byte-order mark"),
    "no blank line": (b"GET / HTTP/1.1\nA: b\n", "a blank line"),
    "no line end": (b"GET / HTTP/1.1", "a blank line"),
    "two words": (b"GET /\n\n", "line 1"),
    "two spaces": (b"GET  / HTTP/1.1\n\n", "line 1"),
    "no version": (b"GET / FTP/1.1\n\n", "line 1"),
    "another version": (b"GET / HTTP/2\n\n", "HTTP/1.1"),
    "method": (b"G@T / HTTP/1.1\n\n", "line 1"),
    "response": (b"HTTP/1.1 200 OK\n\n", "line 1"),
    "relative target": (b"GET pay HTTP/1.1\n\n", "a path"),
    "authority": (b"CONNECT a:443 HTTP/1.1\n\n", "a path"),
    "asterisk": (b"GET * HTTP/1.1\n\n", "a path"),
    "another kind of URL": (b"GET ftp://a/ HTTP/1.1\n\n", "https://"),
    "fragment": (b"GET /a#b HTTP/1.1\n\n", "fragment"),
    "control character in the target": (b"GET /\x00 HTTP/1.1\n\n", "control"),
    "folded": (b"GET / HTTP/1.1\nA: b\n c\n\n", "line 3: a header that is continued"),
    "folded with a tab": (b"GET / HTTP/1.1\n\tA: b\n\n", "line 2"),
    "no colon": (b"GET / HTTP/1.1\nA b\n\n", "line 2"),
    "space before the colon": (b"GET / HTTP/1.1\nA : b\n\n", "line 2"),
    "no name": (b"GET / HTTP/1.1\n: b\n\n", "line 2"),
    "carriage return inside": (b"GET / HTTP/1.1\nA: b\rC: d\n\n", "line 2: a carriage return"),
    "two carriage returns": (b"GET / HTTP/1.1\r\r\n\r\n", "carriage return"),
    "NUL": (b"GET / HTTP/1.1\nA: \x00\n\n", "control"),
    "DEL": (b"GET / HTTP/1.1\nA: \x7f\n\n", "control"),
    "two lengths": (b"GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\nab", "not one number"),
    "a list of lengths": (b"GET / HTTP/1.1\nContent-Length: 1, 2\n\nab", "not one number"),
    "length with a sign": (b"GET / HTTP/1.1\nContent-Length: +1\n\na", "not one number"),
    "length of Arabic digits": ("GET / HTTP/1.1\nContent-Length: \u0661\n\na".encode(), "not one number"),
    "length without digits": (b"GET / HTTP/1.1\nContent-Length:\n\na", "not one number"),
    "enormous length": (b"GET / HTTP/1.1\nContent-Length: " + b"9" * 5000 + b"\n\na", "not one number"),
    "length and chunks": (b"GET / HTTP/1.1\nContent-Length: 1\nTransfer-Encoding: chunked\n\na", "both"),
    "another coding": (b"GET / HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\na", "only chunked"),
    "two codings": (b"GET / HTTP/1.1\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\na", "only chunked"),
    "cut short": (b"GET / HTTP/1.1\nContent-Length: 5\n\nabc", "cut short"),
    "line ends changed": (b"GET / HTTP/1.1\nContent-Length: 6\n\na\nb\n", "CRLF line ends may have become LF"),
    "newline added": (
        b"GET / HTTP/1.1\nContent-Length: 2\n\n{}\n",
        "an editor added a newline at the end; take it off with: truncate -s -1",
    ),
    "CRLF added": (b"GET / HTTP/1.1\nContent-Length: 2\n\n{}\r\n", "truncate -s -2"),
    "second request": (b"GET / HTTP/1.1\nContent-Length: 0\n\nGET / HTTP/1.1\n\n", "one request and nothing after it"),
    "chunk without a size": (CHUNKED + b"x\nab\n0\n\n", "hexadecimal"),
    "chunk size with a sign": (CHUNKED + b"+2\nab\n0\n\n", "hexadecimal"),
    "chunk too short": (CHUNKED + b"9\nab\n0\n\n", "cut short"),
    "chunk too long": (CHUNKED + b"1\nab\n0\n\n", "longer than its size"),
    "no last chunk": (CHUNKED + b"2\nab\n", "before its last chunk"),
    "no end after the last chunk": (CHUNKED + b"2\nab\n0\n", "before its last chunk"),
    "newline after the chunks": (CHUNKED + b"2\nab\n0\n\n\n", "an editor added a newline"),
    "more after the chunks": (CHUNKED + b"2\nab\n0\n\nmore", "nothing after it"),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_one_request_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(PaysealError) as caught:
        parse_request(data)
    assert said in str(caught.value)


def test_lengths_that_agree_are_one_length() -> None:
    assert parse_request(b"GET / HTTP/1.1\nContent-Length: 2, 2\nContent-Length: 2\n\nab").request.body == b"ab"


def test_any_bytes_are_a_request_or_one_kind_of_error() -> None:
    """Cut, changed and spliced captures: never anything but `PaysealError`, and no value in its text."""
    chance = random.Random(20241022)
    seeds = [HEAD + b"X-Secret: distinctive\r\nContent-Length: 2\r\n\r\n{}", CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n", HEAD + b"\r\n{}"]
    pieces = [b"\r\n", b"\n", b" ", b":", b"\x00", b"\xff", b"Content-Length: 1\n", b"Transfer-Encoding: chunked\n", b"http://", b"[", b"0"]
    refused: list[str] = []
    for _ in range(4000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.choice([0, 0, 1, 5])] = chance.choice(pieces)
        try:
            parse_request(bytes(data))
        except PaysealError as error:
            refused.append(str(error))
    assert len(refused) > 1000
    assert not [text for text in refused if "distinctive" in text]
