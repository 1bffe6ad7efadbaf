"""A captured HTTP/1.1 request, as text in a file, to a `Request` (RFC 9112). Strict where leniency would change what was signed.

Lines may end in CRLF or, since editors and ``git`` change them, in LF alone. Everything else that can be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from payseal.cli.values import TOKEN, url_of
from payseal.errors import PaysealError
from payseal.request import Request

__all__ = ["Capture", "RawHttpError", "parse_request"]

_FIELD_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET: Final = re.compile(r"[\x21-\x22\x24-\x7e\x80-\xff]+")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(;.*)?")


class RawHttpError(PaysealError):
    """A file that is not one HTTP/1.1 request. The text names the line, and no value from it."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A request from a file. ``delimited`` is false where nothing in it said how long the body is: then it is the rest of the file."""

    request: Request
    delimited: bool


def parse_request(data: bytes) -> Capture:
    """The one request in ``data``. Raises `RawHttpError`."""
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise RawHttpError("the file begins with a byte-order mark: save it as plain bytes, without one")
    lines, rest = _head(data)
    first = next(iter(lines), "")
    method, target, host = _request_line(first)
    pairs = [_header(number, line) for number, line in enumerate(lines[1:], start=2)]
    body, delimited = _body(pairs, rest)
    if host is not None:
        # RFC 9112, section 3.2.2: the authority of an absolute-form target stands in place of any Host.
        pairs = [pair for pair in pairs if pair[0].lower() != "host"] + [("Host", host)]
    return Capture(Request(method, target, pairs, body), delimited)


def _head(data: bytes) -> tuple[list[str], bytes]:
    """The lines before the blank one, and the bytes after it. Blank lines before the request line do not count (section 2.2)."""
    lines: list[str] = []
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        if end < 0:
            break
        line = data[at:end].removesuffix(b"\r")
        at = end + 1
        if not line and lines:
            return lines, data[at:]
        if b"\r" in line:
            raise RawHttpError(f"line {len(lines) + 1}: a carriage return stands inside the line")
        if line:
            lines.append(line.decode("latin-1"))
    if not lines and not data[at:].strip():
        raise RawHttpError("there is no request: the file is empty")
    raise RawHttpError("the headers do not end: a blank line must follow them, also when there is no body")


def _request_line(line: str) -> tuple[str, str, str | None]:
    """Method, target in origin-form, and the host where the target was absolute."""
    parts = line.split(" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not parts[2].startswith("HTTP/"):
        raise RawHttpError("line 1: not a request line, such as: POST /payments HTTP/1.1")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise RawHttpError("line 1: only HTTP/1.1 has a form as text; write the request line of another version as HTTP/1.1")
    if not _TARGET.fullmatch(target):
        raise RawHttpError("line 1: the target holds a fragment or a control character")
    if target.startswith("/") or (method == "OPTIONS" and target == "*"):
        return method, target, None
    url = url_of(target)
    if url is None:
        raise RawHttpError("line 1: the target must be a path such as /payments, or an absolute URL")
    return method, url.target, url.authority


def _header(number: int, line: str) -> tuple[str, str]:
    if line[0] in " \t":
        raise RawHttpError(f"line {number}: a header that is continued on a second line is obsolete: join the two")
    name, colon, value = line.partition(":")
    if not colon or not TOKEN.fullmatch(name):
        raise RawHttpError(f"line {number}: not a header, such as Content-Type: application/json")
    if not _FIELD_VALUE.fullmatch(value):
        raise RawHttpError(f"line {number}: {name} holds a control character")
    return name, value.strip(" \t")


def _body(pairs: list[tuple[str, str]], rest: bytes) -> tuple[bytes, bool]:
    """The body, and whether a header said how long it is (section 6.3)."""
    lengths = [each.strip(" \t") for name, value in pairs if name.lower() == "content-length" for each in value.split(",")]
    codings = [value.lower() for name, value in pairs if name.lower() == "transfer-encoding"]
    if codings:
        if lengths:
            raise RawHttpError("both Content-Length and Transfer-Encoding: two servers could read two different bodies")
        if codings != ["chunked"]:
            raise RawHttpError("Transfer-Encoding: only chunked is taken, once")
        return _dechunked(rest), True
    if not lengths:
        return rest, False
    if len(set(lengths)) != 1 or not re.fullmatch(r"\d{1,15}", lengths[0], re.ASCII):
        raise RawHttpError("Content-Length: not one number")
    wanted = int(lengths[0])
    if len(rest) < wanted:
        lines = rest.count(b"\n")
        cause = "its CRLF line ends may have become LF" if len(rest) + lines == wanted and lines else "it was cut short"
        raise RawHttpError(f"Content-Length says {wanted} bytes and the file has {len(rest)} after the blank line: {cause}")
    if len(rest) > wanted:
        _too_long(rest[wanted:], f"Content-Length says {wanted} bytes and the file has {len(rest)} after the blank line")
    return rest, True


def _too_long(surplus: bytes, found: str) -> NoReturn:
    if surplus in (b"\n", b"\r\n"):
        raise RawHttpError(f"{found}: an editor added a newline at the end; take it off with: truncate -s -{len(surplus)} FILE")
    raise RawHttpError(f"{found}: the file must hold one request and nothing after it")


def _dechunked(data: bytes) -> bytes:
    """The body inside chunks (section 7.1); trailers are left out."""
    pieces: list[bytes] = []
    while True:
        line, data = _line(data)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise RawHttpError("chunked: a chunk must begin with its size in hexadecimal digits")
        size = int(match[1], 16)
        if size == 0:
            break
        pieces.append(data[:size])
        data = data[size:]
        if len(pieces[-1]) < size:
            raise RawHttpError("chunked: the last chunk was cut short")
        line, data = _line(data)
        if line:
            raise RawHttpError("chunked: a chunk is longer than its size says")
    while line:
        line, data = _line(data)
    if data:
        _too_long(data, "chunked: the file goes on after the last chunk")
    return b"".join(pieces)


def _line(data: bytes) -> tuple[bytes, bytes]:
    line, end, rest = data.partition(b"\n")
    if not end:
        raise RawHttpError("chunked: the body ends before its last chunk")
    return line.removesuffix(b"\r"), rest
