"""A captured request, whatever was saved: one `Request`, or the command line's own error.

- Raw HTTP, HAR and curl are read, or end in `payseal.errors.PaysealError`, whose text has one line and repeats no header's value.
- What was read is a request that a verifier can refuse and `payseal.explain` can look at.
- Written again as raw HTTP, as a HAR entry and by payseal's own curl writer, it is read back byte for byte.
- Where h11 takes raw HTTP for a request, it is the same request.
- Words that Python's shlex quotes are the words that were quoted.

An input: a letter (which entry of a HAR file is wanted) and the file.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import shlex
from typing import Any, Final

import h11
from fuzz.targets import broken

import payseal
from payseal import Credential, Request, Verifier
from payseal.cli.bodies import Body
from payseal.cli.captured import captured_request
from payseal.cli.curl import curl_command
from payseal.cli.shell_words import shell_words
from payseal.cli.values import Url, header_pairs, method_of, url_of
from payseal.errors import PaysealError, Rejected

_ENTRIES: Final = (None, 1, 2, 0, -1)
_SCHEME: Final = payseal.scheme("fiserv-payments")
_CREDENTIAL: Final = Credential("merchant-1", "Sk3-that-is-never-shown")
_VERIFIER: Final = Verifier(_SCHEME, _CREDENTIAL, clock=lambda: 1_782_000_123.0)
#: Values of the seeds' headers that no error may repeat.
_PRIVATE: Final = "Private-value-that-is-never-shown"
_FRAMING: Final = ("content-length", "transfer-encoding")

_RAW: Final = f"""POST /gateway/v2/payments?a=1 HTTP/1.1\r
Host: api.example\r
Api-Key: merchant-1\r
Authorization: {_PRIVATE}\r
Message-Signature: {"A" * 43}=\r
Content-Length: 14\r
\r
{{"amount":1000}}"""
_CHUNKED: Final = "POST https://api.example:8443/x HTTP/1.1\nTransfer-Encoding: chunked\n\n4;a=b\nabcd\n1\nx\n0\nTrailer: x\n\n"
_CURL: Final = f"""$ curl 'https://api.example/a?b=[1]' -sS --globoff -X POST \\
  -H 'Authorization: {_PRIVATE}' -H "Api-Key: a\\"b" -H 'Empty;' -H 'Accept:' \\
  --data-raw $'{{"a":"\\u00e9\\ud83d\\ude00\\x41\\101\\n"}}' -d more --compressed"""
_HAR: Final[dict[str, Any]] = {
    "log": {
        "entries": [
            {
                "request": {
                    "method": "POST",
                    "url": "https://api.example/a?b=1#c",
                    "headers": [{"name": ":authority", "value": "api.example"}, {"name": "Authorization", "value": _PRIVATE}],
                    "postData": {"mimeType": "application/json", "text": '{"a":"é"}'},
                    "bodySize": 10,
                }
            },
            {
                "request": {
                    "method": "PUT",
                    "url": "http://[::1]:81/",
                    "headers": [],
                    "postData": {"text": "AP8=", "encoding": "base64"},
                }
            },
        ]
    }
}


def seeds() -> list[bytes]:
    """One of each kind, and the two ways a body is delimited."""
    entries = _HAR["log"]["entries"]
    hars = (_HAR, entries[0], entries[1]["request"])
    deep = "[" * 3000
    texts = (deep, _RAW, _CHUNKED, _CURL, "curl api.example -I", *(json.dumps(each, ensure_ascii=False) for each in hars))
    return [letter + text.encode() for text in texts for letter in (b"a", b"b")]


def one(data: bytes) -> str:
    """Read it, look at it, write it and read it again."""
    entry = _ENTRIES[(data[0] - 97) % len(_ENTRIES)] if data else None
    words = data[1:].split(b"\0")[:16]
    if all(word.isascii() for word in words):
        quoted = shlex.join(word.decode() for word in words).encode()
        broken(quoted and shell_words(quoted) != words, "quoted words are read otherwise")
    try:
        request = _read(data[1:], entry)
    except PaysealError as error:
        broken("\n" in str(error) or _PRIVATE in str(error), "an error has several lines, or repeats a header's value")
        return f"refused ({type(error).__name__})"
    try:
        _VERIFIER.verify(request)
        broken(True, "accepted, and never signed")
    except Rejected:
        pass
    payseal.explain(request, _SCHEME, _CREDENTIAL, now=1_782_000_123.0, budget=0.0)
    _as_h11_reads(data[1:], request)
    again = [_as_raw(request), _as_har(request), _as_curl(request)]
    return "read, and written again in every form" if all(again) else "read, and written again as far as it can be"


def _read(data: bytes, entry: int | None = None) -> Request:
    with contextlib.redirect_stderr(io.StringIO()):  # a note about a HAR file's sizes
        return captured_request(data, entry=entry, allow_files=False)


def _as_h11_reads(data: bytes, request: Request) -> None:
    """Another reader of HTTP, where it takes the same bytes for a request, takes them for the same one."""
    connection = h11.Connection(h11.SERVER)
    events: list[Any] = []
    with contextlib.suppress(h11.RemoteProtocolError):
        connection.receive_data(data)
        while not events or type(events[-1]) in (h11.Request, h11.Data):
            events.append(connection.next_event())
    if not events or type(events[0]) is not h11.Request or type(events[-1]) is not h11.EndOfMessage:
        return
    first = events[0]
    absolute = not first.target.startswith(b"/")
    # h11 makes one Content-Length of several that agree.
    left_out = (*_FRAMING, "host") if absolute else _FRAMING
    same = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in first.headers if name.decode("latin-1") not in left_out]
    own = [(name.lower(), value) for name, value in request.headers if name.lower() not in left_out]
    broken(first.method.decode() != request.method, "h11 reads another method")
    broken(not absolute and first.target.decode("latin-1") != request.target, "h11 reads another target")
    broken(same != own, "h11 reads other headers")
    if any(name.lower() in _FRAMING for name, _ in request.headers):
        body = b"".join(bytes(event.data) for event in events if type(event) is h11.Data)
        broken(body != request.body, "h11 reads another body")


def _as_raw(request: Request) -> bool:
    """As text, with the length that the body has."""
    pairs = _unframed(request)
    try:
        head = "\r\n".join([f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)])
        lines = f"{head}\r\nContent-Length: {len(_body(request))}\r\n\r\n".encode("latin-1")
    except UnicodeEncodeError:  # a HAR file can hold what no header line can
        return False
    again = _read(lines + _body(request))
    broken(_parts(again) != _parts(request) or _unframed(again) != pairs, "written as raw HTTP, it is read otherwise")
    return True


def _as_har(request: Request) -> bool:
    url = _url(request)
    if url is None:
        return False
    entry = {
        "method": request.method,
        "url": str(url),
        "headers": [{"name": name, "value": value} for name, value in request.headers],
        "postData": {"text": base64.b64encode(_body(request)).decode(), "encoding": "base64"},
    }
    again = _read(json.dumps({"log": {"entries": [{"request": entry}]}}).encode())
    broken(_parts(again) != _parts(request) or again.headers != request.headers, "written as HAR, it is read otherwise")
    return True


def _as_curl(request: Request) -> bool:
    """By the writer of ``payseal sign --format curl``, as far as it takes what was read."""
    url = _url(request)
    try:
        pairs = header_pairs(tuple(f"{name}: {value}" for name, value in request.headers), written_by_scheme=())
        if url is None or method_of(request.method) != request.method:
            return False
        with contextlib.redirect_stderr(io.StringIO()):  # a note about bodies that cannot stand in the command
            command = curl_command(request.method, url, pairs, Body(_body(request)))
    except PaysealError:
        return False
    if b"--data-binary @-" in command:
        return False
    again = _read(command)
    broken(_parts(again) != _parts(request), "written as curl, it is read otherwise")
    broken(list(again.headers) != pairs, "written as curl, its headers are read otherwise")
    return True


def _parts(request: Request) -> tuple[object, ...]:
    return request.method, request.target, request.body


def _url(request: Request) -> Url | None:
    hosts = request.values("host")
    try:
        url = url_of(f"http://{hosts[0]}{request.target}") if len(hosts) == 1 and request.target.startswith("/") else None
    except PaysealError:
        return None
    return url if url is not None and url.authority == hosts[0] and url.target == request.target else None


def _unframed(request: Request) -> list[tuple[str, str]]:
    return [pair for pair in request.headers if pair[0].lower() not in _FRAMING]


def _body(request: Request) -> bytes:
    broken(type(request.body) is not bytes, "a body that was read is not bytes")
    return bytes(request.body)  # type: ignore[arg-type]
