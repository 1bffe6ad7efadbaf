"""What can be done to a request between its signer and the verifier: one list, for the everyday tests and for the attack.

Each way makes the bytes of one connection. It is held where the server or the middleware refuses, and also where it passes and the
application got what was signed; `attacks.ways_in.attack` is the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from attacks.ways_in.signed_requests import BODY, HOST, TARGET, Forger, Signed
from attacks.words import words

__all__ = ["KINDS", "WAYS", "Way"]

#: Kinds of ways, which are the rows of the table.
KINDS: Final[dict[str, str]] = {
    "repeated": "signed headers sent twice",
    "folded": "folded header lines",
    "names": "header names written otherwise",
    "characters": "control characters, NUL, CR and LF",
    "framing": "Transfer-Encoding beside Content-Length",
    "lengths": "two or odd Content-Lengths",
    "chunks": "malformed chunks, extensions, trailers",
    "spelling": "the signed path in another spelling",
    "targets": "odd targets, signed as they are sent",
    "absolute": "absolute-form and other request targets",
    "hosts": "Host missing, twice or written otherwise",
    "methods": "other methods and method overrides",
    "proxies": "headers of proxies",
    "smuggled": "pipelined and smuggled requests",
    "late": "pieces that come late: trailers, headers, the rest of a body",
    "protocol": "other versions, Expect and Upgrade",
}


#: Writes a header's line from its name and its value.
Line: TypeAlias = Callable[[bytes, bytes], bytes]


@dataclass(frozen=True)
class Way:
    """One way in: its kind, its name, what makes its bytes (several pieces: one after the other, with a pause), and whether it may leave
    the server waiting for more."""

    kind: str
    name: str
    build: Callable[[Forger], bytes | Sequence[bytes]]
    waits: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


_SIGNED: Final = ("Host", "Content-Type", "X-Amount", "X-Api-Key", "X-Request-Id", "X-Timestamp", "X-Signature")


def _repeated() -> Iterator[Way]:
    for name in _SIGNED:
        for spelled in (name, name.swapcase(), name.upper()):
            for what in ("the same", "another value", "nothing"):
                for first in (True, False):

                    def build(forger: Forger, name: str = name, spelled: str = spelled, what: str = what, first: bool = first) -> bytes:
                        signed = forger.sign()
                        value = {"the same": signed.headers[name], "another value": _another(name, signed), "nothing": ""}[what]
                        line = [f"{spelled}: {value}".encode()]
                        return signed.wire(before=line) if first else signed.wire(after=line)

                    yield Way("repeated", f"{spelled}, {what}, {'before' if first else 'after'}", build)


def _another(name: str, signed: Signed) -> str:
    """Another value of a header that would do in its place."""
    value = signed.headers[name]
    return {"Host": "evil.example", "Content-Type": "text/plain", "X-Amount": "0.01", "X-Api-Key": "key-2"}.get(name, value[:-1] + "0")


def _wired(
    kind: str, name: str, *, waits: bool = False, sign: dict[str, Any] | None = None, front: bytes = b"", behind: bytes = b"", **wire: Any
) -> Way:
    """A request that is signed and written down with these changes (`Forger.sign`, `Signed.wire`), between other bytes."""
    return Way(kind, name, lambda forger: front + forger.sign(**(sign or {})).wire(**wire) + behind, waits)


def _after(kind: str, name: str, *lines: bytes, waits: bool = False) -> Way:
    return _wired(kind, name, after=lines, waits=waits)


def _before(kind: str, name: str, *lines: bytes) -> Way:
    return _wired(kind, name, before=lines)


def _instead(kind: str, name: str, header: str, line: Line, *, waits: bool = False) -> Way:
    """The line of a signed header is made of its name and its value in another way."""

    def build(forger: Forger) -> bytes:
        signed = forger.sign()
        return signed.wire(instead={header: line(header.encode(), signed.headers[header].encode())})

    return Way(kind, f"{header}: {name}", build, waits)


def _line(text: bytes) -> Line:
    """That line, whatever the header's value is."""
    return lambda name, value: text


_FOLDS: Final[dict[str, Line]] = {
    "value on the next line": lambda name, value: name + b":\r\n " + value,
    "value cut in two": lambda name, value: name + b": " + value[:3] + b"\r\n\t" + value[3:],
    "another value on the next line": lambda name, value: name + b": " + value + b"\r\n 0.01",
    "another header on the next line": lambda name, value: name + b": " + value + b"\r\n X-Amount: 0.01",
    "an empty fold": lambda name, value: name + b": " + value + b"\r\n \r\n ",
}


def _folded() -> Iterator[Way]:
    for header in ("X-Amount", "X-Request-Id", "X-Signature", "Host", "Content-Type"):
        for how, line in _FOLDS.items():
            yield _instead("folded", how, header, line)
    yield _before("folded", "the first line is a fold", b" X-Amount: 0.01")
    yield _wired("folded", "the request line is folded", line=b"POST\r\n " + TARGET.encode() + b" HTTP/1.1")
    yield _after("folded", "Content-Length on the next line", b"Content-Length:\r\n 3")
    yield _after("folded", "Transfer-Encoding on the next line", b"Transfer-Encoding:\r\n chunked", waits=True)


def _names() -> Iterator[Way]:
    written: list[tuple[str, Line]] = [
        ("with underscores", lambda name, value: name.replace(b"-", b"_") + b": " + value),
        ("one underscore", lambda name, value: name.replace(b"-", b"_", 1) + b": " + value),
        ("lower case", lambda name, value: name.lower() + b": " + value),
        ("a space before the colon", lambda name, value: name + b" : " + value),
        ("a tab before the colon", lambda name, value: name + b"\t: " + value),
        ("a space before the name", lambda name, value: b" " + name + b": " + value),
        ("no space after the colon", lambda name, value: name + b":" + value),
        ("many spaces around the value", lambda name, value: name + b":  \t " + value + b" \t "),
        ("an equals sign for the colon", lambda name, value: name + b"=" + value),
        ("a prefix of CGI", lambda name, value: b"HTTP_" + name.replace(b"-", b"_") + b": " + value),
        (
            "a letter that is no ASCII letter",
            lambda name, value: name.replace(b"A", "А".encode()).replace(b"t", "ｔ".encode()) + b": " + value,
        ),
        ("a NUL at its end", lambda name, value: name + b"\0: " + value),
        ("a soft hyphen", lambda name, value: name.replace(b"-", "\xad".encode()) + b": " + value),
        ("in quotes", lambda name, value: b'"' + name + b'": ' + value),
    ]
    for header in ("X-Amount", "X-Api-Key", "X-Signature", "Content-Type", "Content-Length", "Host"):
        for how, line in written:
            yield _instead("names", how, header, line, waits=True)
        for how, line in written[:2] + written[3:6] + written[9:]:
            if header != "Content-Length":
                yield _after("names", f"{header}: a second one {how}", line(header.encode(), b"0.01"), waits=True)
    for name in (b"", b" ", b":", b"(x)", b"X@Y", b"X/Y", b"X\\Y", b"\xff\xfe", b"__", b"-", b"_"):
        yield _after("names", f"named {name!r}", name + b": 0.01")
    yield _after("names", "no colon at all", b"X-Amount 0.01")
    yield _after("names", "CGI's own variables", b"Request-Method: DELETE", b"Path-Info: /v1/admin", b"Script-Name: /x", b"Request-Uri: /y")
    yield _after("names", "CGI's own variables, with underscores", b"REQUEST_METHOD: DELETE", b"PATH_INFO: /v1/admin", b"REQUEST_URI: /y")
    yield _after("names", "variables of WSGI", b"wsgi.input: x", b"payseal.authenticated: admin", b"HTTP_X_AMOUNT: 0.01", b"RAW_URI: /y")
    underscored = b"Content_Type: application/json"
    yield _wired("names", "Content_Type in place of Content-Type", leave_out=["Content-Type"], after=[underscored])
    yield _wired(
        "names", "Content_Length in place of Content-Length", leave_out=["Content-Length"], after=[b"Content_Length: 18"], waits=True
    )


_ODD: Final = {
    "NUL": b"\0",
    "CR": b"\r",
    "LF": b"\n",
    "VT": b"\x0b",
    "FF": b"\x0c",
    "ESC": b"\x1b",
    "DEL": b"\x7f",
    "NEL": b"\x85",
    "NBSP": b"\xa0",
    "LS": b"\xe2\x80\xa8",
}


def _characters() -> Iterator[Way]:
    for called, odd in _ODD.items():
        yield from _with(called, odd)
    yield _wired("characters", "every line ends in LF alone", end=b"\n")
    yield _wired("characters", "every line ends in CR alone", end=b"\r", waits=True)
    yield _wired("characters", "every line ends in CR CR LF", end=b"\r\r\n")
    yield _wired("characters", "empty lines before the request", front=b"\r\n\r\n")
    yield _after("characters", "the head ends in LF LF, a header behind", b"X-Other: 1\n\nX-Amount: 0.01")
    yield _after("characters", "the head ends in CR LF LF, a header behind", b"X-Other: 1\r\n\nX-Amount: 0.01")
    yield _after("characters", "a header of 70,000 bytes", b"X-Other: " + b"a" * 70_000)
    yield _after("characters", "300 headers", *[b"X-Other: 1"] * 300)


def _with(called: str, odd: bytes) -> Iterator[Way]:
    header_behind = odd + b"X-Amount: 0.01"
    for header in ("X-Amount", "X-Signature", "X-Request-Id", "Host", "Content-Type"):
        yield _instead("characters", f"{called} after the value", header, lambda name, value: name + b": " + value + odd)
        yield _instead("characters", f"{called} before the value", header, lambda name, value: name + b": " + odd + value)
        yield _instead("characters", f"{called}, and a header behind", header, lambda name, value: name + b": " + value + header_behind)
    yield _after("characters", f"{called} in a header that is not signed", b"X-Other: a" + odd + b"b")
    yield _after("characters", f"{called} in a header's name", b"X-O" + odd + b"ther: ab")
    yield _wired("characters", f"{called} in the target", line=b"POST /v1/or" + odd + b"ders?ref=1 HTTP/1.1")
    yield _wired("characters", f"{called} after the target", line=b"POST /v1/orders?ref=1" + odd + b" HTTP/1.1")
    yield _wired("characters", f"{called} after the method", line=b"POST" + odd + b" /v1/orders?ref=1 HTTP/1.1")
    yield _wired("characters", f"{called} before the request", front=odd)


def _chunked(body: bytes, size: bytes = b"") -> bytes:
    return (size or b"%x" % len(body)) + b"\r\n" + body + b"\r\n0\r\n\r\n"


#: What stands for ``chunked``, or nearly.
_CODINGS: Final = (
    *(b"chunked", b"Chunked", b"CHUNKED", b" chunked ", b"chunked ", b"\tchunked", b"\x0bchunked", b"xchunked", b"chunk"),
    *(b"chunked, identity", b"identity, chunked", b"identity", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"chunked,"),
    *(b",chunked", b"chunked;q=1", b'"chunked"', b"'chunked'", b"", b"chun\0ked", b"chunked\xa0", b"x\r\n chunked"),
)
_CODING_NAMES: Final = (
    *(b"Transfer_Encoding", b"Transfer-Encoding ", b" Transfer-Encoding", b"Transfer-Encoding\0", b"TRANSFER-ENCODING"),
    *(b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding"),
)


def _framing() -> Iterator[Way]:
    in_chunks = _chunked(BODY)
    for coding in _CODINGS:
        lines = [b"Transfer-Encoding: " + coding]
        for framed, body in (("by its length", BODY), ("in chunks", in_chunks)):
            yield _wired("framing", f"{coding!r} before the length, the body {framed}", before=lines, body=body, waits=True)
            yield _wired("framing", f"{coding!r} after the length, the body {framed}", after=lines, body=body, waits=True)
        yield _wired("framing", f"{coding!r} alone", leave_out=["Content-Length"], after=lines, body=in_chunks, waits=True)
    for name in _CODING_NAMES:
        for framed, body in (("by its length", BODY), ("in chunks", in_chunks)):
            yield _wired("framing", f"{name!r}, the body {framed}", after=[name + b": chunked"], body=body, waits=True)
    for first, second in ((b"chunked", b"identity"), (b"identity", b"chunked"), (b"chunked", b"chunked"), (b"xchunked", b"chunked")):
        lines = [b"Transfer-Encoding: " + first, b"Transfer-Encoding: " + second]
        yield _wired("framing", f"{first!r} and {second!r}", leave_out=["Content-Length"], after=lines, body=in_chunks, waits=True)


_LENGTHS: Final = (
    *(b"-1", b"+18", b"0x12", b"18.0", b"1_8", b"018", b"0", b"17", b"19", b" 18 ", b"18 18", b"18,18", b"18, 18", b"18,0", b"1 8", b""),
    *(b"\xb218", b"1e1", b"18;", b"9" * 30, b"9" * 5000, b"4097", b"\x0b18", "１８".encode()),
)


def _lengths() -> Iterator[Way]:
    right = len(BODY)
    for length in _LENGTHS:
        called = f"{length[:20]!r} of {len(length)}"
        yield _instead("lengths", called, "Content-Length", _line(b"Content-Length: " + length), waits=True)
    for other in (right, 0, right - 1, right + 1, 1):
        line = b"Content-Length: %d" % other
        yield _before("lengths", f"another of {other} before", line)
        yield _after("lengths", f"another of {other} after", line, waits=True)
        yield _after("lengths", f"another of {other} in lower case", line.lower(), waits=True)
        yield _after("lengths", f"another of {other} with an underscore", line.replace(b"-", b"_"), waits=True)
    yield _wired("lengths", "none", leave_out=["Content-Length"], waits=True)
    for more in (b"0", BODY, b"\r\n", b"\0"):
        yield _wired("lengths", f"more bytes than declared: {more!r}", behind=more)


def _chunks() -> Iterator[Way]:
    size = b"%x" % len(BODY)
    bodies = {
        "as they should be": _chunked(BODY),
        "one byte each": b"".join(b"1\r\n" + BODY[at : at + 1] + b"\r\n" for at in range(len(BODY))) + b"0\r\n\r\n",
        "leading zeros": _chunked(BODY, b"000000" + size),
        "many leading zeros": _chunked(BODY, b"0" * 5000 + size),
        "upper case": _chunked(BODY, size.upper()),
        "an extension": _chunked(BODY, size + b";name=value"),
        "an extension of 20,000 bytes": _chunked(BODY, size + b";a=" + b"b" * 20_000),
        "an extension with LF": _chunked(BODY, size + b";a\nb"),
        "an extension with CR": _chunked(BODY, size + b";a\rb"),
        "an extension in quotes with CRLF": _chunked(BODY, size + b';a="\r\n"'),
        "a space behind the size": _chunked(BODY, size + b" "),
        "a space before the size": _chunked(BODY, b" " + size),
        "a sign": _chunked(BODY, b"+" + size),
        "a minus": _chunked(BODY, b"-" + size),
        "0x": _chunked(BODY, b"0x" + size),
        "an underscore": _chunked(BODY, b"1_2"),
        "no hex": _chunked(BODY, b"xyz"),
        "empty": _chunked(BODY, b" ")[1:],
        "too large for a word": _chunked(BODY, b"1" + b"0" * 16 + size),
        "larger than it is": _chunked(BODY, b"13"),
        "smaller than it is": _chunked(BODY, b"11"),
        "no CRLF behind the data": size + b"\r\n" + BODY + b"0\r\n\r\n",
        "LF alone": _chunked(BODY).replace(b"\r\n", b"\n"),
        "another line end behind the data": size + b"\r\n" + BODY + b"XX0\r\n\r\n",
        "no last chunk": size + b"\r\n" + BODY + b"\r\n",
        "nothing": b"0\r\n\r\n",
        "a second body behind": _chunked(BODY) + _chunked(b"again"),
        "trailers": size + b"\r\n" + BODY + b"\r\n0\r\nX-Amount: 0.01\r\nX-Api-Key: key-2\r\n\r\n",
        "a trailer that is Content-Length": size + b"\r\n" + BODY + b"\r\n0\r\nContent-Length: 3\r\n\r\n",
        "a trailer with LF alone": size + b"\r\n" + BODY + b"\r\n0\r\nX-Amount: 0.01\n\r\n",
        "a trailer of 70,000 bytes": size + b"\r\n" + BODY + b"\r\n0\r\nX-Other: " + b"a" * 70_000 + b"\r\n\r\n",
        "more than the middleware takes": _chunked(b"x" * 5000),
    }
    for name, body in bodies.items():
        yield _wired("chunks", name, leave_out=["Content-Length"], after=[b"Transfer-Encoding: chunked"], body=body, waits=True)


def _sent(kind: str, target: str, *, signed_for: str = TARGET) -> Way:
    """Signed for one target and sent to another."""
    called = f"{target[:60]!a} of {len(target)}"
    line = f"POST {target} HTTP/1.1".encode("latin-1")
    return _wired(kind, f"{called} for {signed_for[:60]!a}" if signed_for != target else called, sign={"target": signed_for}, line=line)


#: In place of `TARGET`.
_SPELLINGS: Final = words(r"""
    /v1/orders /v1/orders? /v1/orders?ref=1& /v1/orders?ref=2 /v1/orders?ref=1#x /v1/orders#?ref=1 /v1/orders?REF=1 /v1/orders?ref=%31
    /v1/orders?ref=1&ref=2 /v1/orders?ref=1;ref=2 /v1/orders/?ref=1 /v1//orders?ref=1 //v1/orders?ref=1 ///v1/orders?ref=1
    /v1/./orders?ref=1 /v1/x/../orders?ref=1 /v1/%2e/orders?ref=1 /v1/x/%2e%2e/orders?ref=1 /./v1/orders?ref=1 /v1%2Forders?ref=1
    /v1%2forders?ref=1 /v1/%6Frders?ref=1 /v1/%6frders?ref=1 /%76%31/orders?ref=1 /v1/orders%3Fref=1 /v1/orders%3fref=1?ref=1
    /v1/orders;a=b?ref=1 /v1/orders;?ref=1 /v1/orders%00?ref=1 /v1/orders%20?ref=1 /v1/orders+?ref=1 /V1/ORDERS?ref=1
    /v1/orders%0d%0aX-Amount:%200.01?ref=1 /v1/orders%23?ref=1 /v1\orders?ref=1 /v1%5corders?ref=1 /v1/%256Frders?ref=1
    /v1/orders%?ref=1 /v1/orders%zz?ref=1 /v1/orders%c0%af?ref=1 /v1/orders%ff?ref=1 /v1/ordérs?ref=1 v1/orders?ref=1 ?ref=1 * /admin
""")
#: Signed for one, sent to the other.
_PAIRS: Final = words("""
    /a%20b /a+b /a%20b /a%2520b /a+b /a%2Bb /a%2Fb /a/b /a/b /a%2Fb /a%2Fb /a%2fb /caf%C3%A9 /caf%c3%a9 /caf%C3%A9 /cafÃ© /caf%C3%A9
    /cafe%CC%81 /a /a%00 /a%25 /a% /a%3Bb /a;b /a;b /a /~a /%7Ea /%7Ea /~a /a?b /a%3Fb /a%3Fb /a?b /a /a? /a? /a /a?b= /a?b /a?x=a+b
    /a?x=a%20b /%FE /%FF /%EF%BF%BD /%FF //a /a /a //a / // /a/ /a /foo:/a foo:/a /http:/a http:/a /a/b http://shop.example#/a/b
""")


def _spelling() -> Iterator[Way]:
    for target in (*_SPELLINGS, "", f"{TARGET} HTTP/1.1"):
        yield _sent("spelling", target)
    for signed_for, target in zip(_PAIRS[::2], _PAIRS[1::2], strict=True):
        yield _sent("spelling", target, signed_for=signed_for)


_TARGETS: Final = words(r"""
    / /v1 /v1/ /v1/orders /v1/orders? /v1/orders?ref=1 /v1//orders //v1/orders //evil.example/orders /v1/./orders /v1/../admin
    /v1/%2e%2e/admin /v1/..%2fadmin /v1/..;/admin /v1/orders;a=b;c /v1/a%2Fb /v1/a%2fb /v1/a%252Fb /v1/%00 /v1/%0d%0a /v1/% /v1/%zz
    /v1/%ff /v1/%C3%A9 /v1/%c3%a9 /v1/a+b /v1/a%20b /v1/a%2Bb /v1/~a /v1/%7Ea /v1/@:!$&'()*,= /v1/a|b /v1/a\b /v1/a{b} /v1/a"b
    /v1/a<b> /v1/a^b` /v1/orders?a=1&a=2&&b /v1/orders?? /v1/orders?/?x=/ /v1/orders?x=%0d%0a /v1/orders?x=http://a/b /v1/orders?x=[]
    /v1/orders?x=%ff /v1/a:b /v1/http://evil.example/x /http://evil.example/x
""")


def _targets() -> Iterator[Way]:
    for target in (*_TARGETS, "/v1/" + "a" * 5000, "/v1/orders?x=" + "a" * 5000, "/v1" + "/a" * 500):
        yield _wired("targets", f"{target[:60]!a} of {len(target)}", sign={"target": target})


#: Where {0} is the signed host and {1} the signed target.
_FORMS: Final = words(r"""
    http://{0}{1} http://{0}:80{1} http://evil.example{1} https://{0}{1} HTTP://{0}{1} http://user:pass@{0}{1}
    http://evil.example@{0}{1} http://{0}@evil.example{1} http://{0}.{1} http://{0}:{1} http://{0}:99999{1} http://SHOP.EXAMPLE{1}
    http://{1} http:{1} http:/{1} foo:{1} foo://{0}{1} ftp://{0}{1} file://{1} http://{0}/admin{1} http://{0}/v1/orders?ref=2
    http://{0} http://{0}?ref=1 http://{0}#{1} http://{0}\{1} http://{0}%2f{1} http://[::1]{1} http://[::1{1} //evil.example{1} {0}:80
    {0}{1} javascript:alert(1) ://{0}{1} http://evil.example/x/..{1}
""")


def _absolute() -> Iterator[Way]:
    for form in _FORMS:
        yield _sent("absolute", form.format(HOST, TARGET))
    for target in ("/foo:/v1/orders", "/http://evil.example/v1/orders", "/http:/v1/orders"):
        yield _sent("absolute", target[1:], signed_for=target)


_OTHER_HOSTS: Final = words(r"""
    evil.example shop.example. shop.example:80 shop.example:8080 SHOP.EXAMPLE user@shop.example shop.example@evil.example
    shop.example/x shop.example# shop.example?x [::1] 127.0.0.1 shop.example: shop.example:abc sh%6fp.example xn--shop.example
    shop\.example *
""")
_BESIDE_HOST: Final = (
    *(b"X-Forwarded-Host: evil.example", b"X-Host: evil.example", b"Forwarded: host=evil.example", b"X-HTTP-Host-Override: evil.example"),
    *(b"host : evil.example", b"Host_: evil.example"),
)


def _hosts() -> Iterator[Way]:
    for host in (*_OTHER_HOSTS, "", " ", "shop.example, evil.example", "shop.example evil.example"):
        yield _instead("hosts", repr(host), "Host", _line(f"Host: {host}".encode()))
    yield _wired("hosts", "none", leave_out=["Host"])
    for host in ("SHOP.EXAMPLE", "shop.example.", "shop.example:8080", "[::1]:80"):
        yield _wired("hosts", f"{host}, signed as it is sent", sign={"host": host})
    for line in _BESIDE_HOST:
        yield _after("hosts", f"beside {line.decode()}", line)


_METHODS: Final = words("GET PUT DELETE HEAD OPTIONS PATCH TRACE CONNECT post Post POSTX P POST,GET M-SEARCH PRI PROPFIND")
_OVERRIDES: Final = (
    *(b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override", b"_method", b"X_HTTP_Method_Override", b"Request-Method"),
    b"REQUEST_METHOD",
)


def _methods() -> Iterator[Way]:
    for method in (*_METHODS, "POST\xa0", ""):
        yield _wired("methods", f"{method!a} in place of POST", line=f"{method} {TARGET} HTTP/1.1".encode("latin-1"))
    for header in _OVERRIDES:
        yield _after("methods", f"{header.decode()}: DELETE", header + b": DELETE")
        yield _before("methods", f"{header.decode()}: delete", header + b": delete")
    for target in ("/v1/orders?ref=1&_method=DELETE", "/v1/orders?_method=DELETE"):
        yield _sent("methods", target)
    form = {"body": b"_method=DELETE", "content_type": "application/x-www-form-urlencoded"}
    yield _wired("methods", "_method in the body", sign=form)
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        yield _wired("methods", f"{method}, signed as it is sent", sign={"method": method, "body": b""})
        yield _wired("methods", f"{method}, signed and sent with a body", sign={"method": method})


_PROXIED: Final = words("""
    X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Server X-Forwarded-Scheme
    X-Script-Name X-Original-URL X-Rewrite-URL X-Original-Uri X-Original-Method X-Real-IP True-Client-IP Client-IP Forwarded Via
    X-Envoy-Original-Path X-Accel-Redirect X-Sendfile Front-End-Https X-Url-Scheme Proxy Authorization X-Remote-User Remote-User
    Remote-Addr Server-Name Server-Port Wsgi.url-scheme Https Query-String Document-Root Gateway-Interface X-Payseal Payseal
""")


def _proxies() -> Iterator[Way]:
    for name in _PROXIED:
        for value in ("/admin", "127.0.0.1", "https"):
            yield _after("proxies", f"{name}: {value}", f"{name}: {value}".encode())
    yield _after("proxies", "hop by hop: the signature", b"Connection: X-Signature, X-Amount")


_UNSIGNED: Final = b"POST /admin HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


_BEHIND: Final = {
    "an unsigned request": _UNSIGNED,
    "a request without its line ends": b"POST /admin HTTP/1.1\nHost: x\n\n",
    "a request of HTTP/0.9": b"GET /admin\r\n",
    "all bytes that there are": bytes(range(256)) * 8,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
}
_LAST_CHUNKS: Final = {"a sign": b"+0", "0x": b"0x0", "an extension with LF": b"0;\n", "a minus": b"-0", "a space": b"0 "}


def _smuggled() -> Iterator[Way]:
    def inside(name: str, line: bytes, *, head: bytes = b"0\r\n\r\n", leave_out: Sequence[str] = ()) -> Way:
        body = {"body": head + _UNSIGNED}
        return _wired("smuggled", f"in a body, {name}", sign=body, after=[line], leave_out=leave_out, close=False, waits=True)

    for called, data in _BEHIND.items():
        yield _wired("smuggled", f"{called} behind a signed one", close=False, behind=data, waits=True)
    yield _wired("smuggled", "an unsigned one before a signed one", front=_UNSIGNED, waits=True)
    yield Way("smuggled", "two signed ones", lambda forger: forger.sign().wire(close=False) + forger.sign().wire(), waits=True)
    yield Way("smuggled", "the same one twice", lambda forger: forger.sign().wire(close=False) * 2, waits=True)
    yield Way("smuggled", "a forged one between signed ones", _forged_between, waits=True)
    for coding in (b"chunked", b"Chunked ", b"xchunked", b"chunked, identity", b"identity, chunked", b"\x0bchunked"):
        line = b"Transfer-Encoding: " + coding
        yield inside(f"with {coding!r}", line)
        yield inside(f"with {coding!r} alone", line, leave_out=["Content-Length"])
    yield inside("with two codings", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")
    for length in (b"0", b"5", b"+5", b"-1", b"5, 5", b"0x5"):
        line = b"Content-Length: " + length
        yield inside(f"with a second length of {length.decode()}", line)
        yield inside(f"with a length of {length.decode()}", line, leave_out=["Content-Length"])
    for called, size in _LAST_CHUNKS.items():
        head = size + b"\r\n\r\n"
        yield inside(f"behind a last chunk with {called}", b"Transfer-Encoding: chunked", head=head, leave_out=["Content-Length"])
    for method in ("HEAD", "GET"):
        sign = {"method": method, "body": b""}
        for leave_out in ([], ["Content-Length"]):
            called = f"behind a {method} {'without a length' if leave_out else 'of no length'}"
            yield _wired("smuggled", called, sign=sign, leave_out=leave_out, close=False, behind=_UNSIGNED, waits=True)
    yield Way("smuggled", "the signature of another request", _signature_of_another)


def _forged_between(forger: Forger) -> bytes:
    forged = forger.sign().wire(close=False, body=BODY.replace(b"12", b"99"))
    return forger.sign().wire(close=False) + forged + forger.sign().wire()


def _signature_of_another(forger: Forger) -> bytes:
    other = forger.sign(body=b"{}")
    return forger.sign().wire(instead={"X-Signature": f"X-Signature: {other.headers['X-Signature']}".encode()}, body=b"{}")


#: In place of the last line of a chunked body, which is an empty one.
_TRAILERS: Final = (
    *(b"X-Amount: 0.01", b"X-Api-Key: key-2", b"X-Signature: v1=0", b"Host: evil.example", b"Content-Type: text/plain", b"X-Other: 1"),
    *(b"Content-Length: 3", b"Transfer-Encoding: identity", b"X_Amount: 0.01", b"x-amount: 0.01\r\nX-AMOUNT: 0.02"),
)


def _late() -> Iterator[Way]:
    no_length, in_chunks = ["Content-Length"], [b"Transfer-Encoding: chunked"]
    for trailer in _TRAILERS:

        def with_trailer(forger: Forger, trailer: bytes = trailer) -> Sequence[bytes]:
            begun = forger.sign().wire(leave_out=no_length, after=in_chunks, body=b"%x\r\n%b\r\n" % (len(BODY), BODY))
            return begun, b"0\r\n", trailer + b"\r\n\r\n"

        yield Way("late", f"the trailer {trailer!r}", with_trailer, waits=True)
    for called, marker in {
        "the target": b"orders",
        "the method": b"OST",
        "a name": b"-Amount",
        "a value": b"2.50",
        "the body": b'"amount"',
    }.items():

        def cut(forger: Forger, marker: bytes = marker) -> Sequence[bytes]:
            before, found, after = forger.sign().wire().partition(marker)
            return before, found + after

        yield Way("late", f"cut before {called}", cut, waits=True)
    yield Way("late", "another request", lambda forger: (forger.sign().wire(close=False), _UNSIGNED), waits=True)
    yield Way("late", "more of a body than declared", lambda forger: (forger.sign().wire(close=False), BODY), waits=True)


_VERSIONS: Final = (
    *("HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/1", "HTTP/11", "http/1.1", "HTTP/1.1 ", "HTTP/1.1 x", "HTTPS/1.1"),
    *("XTTP/1.1", "HTTP/1.10", "HTTP/ 1.1", ""),
)
_HOP_BY_HOP: Final = (
    *("Expect: 100-continue", "Expect: 100-Continue", "Expect: 200-ok", "Expect: 100-continue, x", "Expect:", "Upgrade: websocket"),
    *("Upgrade: h2c", "Upgrade: TLS/1.0", "Connection: Upgrade, HTTP2-Settings", "Connection: keep-alive, close", "TE: trailers"),
    *("Trailer: X-Amount", "Content-Encoding: gzip", "Content-Encoding: br, gzip", "Keep-Alive: timeout=0", "Range: bytes=0-1"),
    *("Proxy-Connection: keep-alive", "Content-Range: bytes 0-1/2"),
)


def _protocol() -> Iterator[Way]:
    post, old = f"POST {TARGET}".encode(), f"POST {TARGET} HTTP/1.0".encode()
    no_length = ["Content-Length"]
    for version in _VERSIONS:
        yield _wired("protocol", version or "no version", line=post + b" " + version.encode(), waits=True)
    get = {"method": "GET", "body": b""}
    yield _wired("protocol", "HTTP/0.9, signed headers behind", sign=get, line=f"GET {TARGET}".encode(), waits=True)
    chunked = [b"Transfer-Encoding: chunked"]
    yield _wired("protocol", "HTTP/1.0 with chunks", line=old, leave_out=no_length, after=chunked, body=_chunked(BODY), waits=True)
    yield _wired("protocol", "HTTP/1.0 without a length", line=old, leave_out=no_length, waits=True)
    for header in _HOP_BY_HOP:
        yield _after("protocol", header, header.encode(), waits=True)
    for upgrade in (b"websocket", b"h2c"):
        key = [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"]
        lines = [b"Connection: Upgrade", b"Upgrade: " + upgrade, *key]
        called = f"an upgrade to {upgrade.decode()}, a request behind"
        yield _wired("protocol", called, sign=get, after=lines, close=False, behind=_UNSIGNED, waits=True)
    yield _wired("protocol", "several spaces in the request line", line=post.replace(b" ", b"  ") + b"  HTTP/1.1")
    yield _wired("protocol", "a tab in the request line", line=post.replace(b" ", b"\t") + b"\tHTTP/1.1")
    yield _wired("protocol", "a space before the request line", line=b" " + post + b" HTTP/1.1")


_MAKERS: Final = (
    *(_repeated, _folded, _names, _characters, _framing, _lengths, _chunks, _spelling, _targets, _absolute, _hosts, _methods, _proxies),
    *(_smuggled, _late, _protocol),
)
WAYS: Final[tuple[Way, ...]] = tuple(way for make in _MAKERS for way in make())
