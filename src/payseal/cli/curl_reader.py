"""A request from a ``curl`` command, as browsers copy it and people type it: what curl would send, without running anything.

A command that came from somebody else must not choose which files are read: a body in a file is taken only when the caller allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

from payseal.cli.bodies import read_bytes
from payseal.cli.failures import wrong_use
from payseal.cli.shell_words import shell_words
from payseal.cli.values import TOKEN, url_of
from payseal.request import Request

__all__ = ["curl_request"]

_SHORT: Final = {
    "X": "request",
    "H": "header",
    "d": "data",
    "A": "user-agent",
    "e": "referer",
    "b": "cookie",
    "I": "head",
    "g": "globoff",
} | {
    "F": "form",
    "G": "get",
    "K": "config",
    "T": "upload-file",
}
_DATA: Final = {"data", "data-ascii", "data-raw", "data-binary", "json"}
_HEADERS: Final = {"user-agent": "User-Agent", "referer": "Referer", "cookie": "Cookie"}
_REFUSED: Final = {
    "get": "-G moves the data into the URL: write the URL that is sent",
    "form": "-F writes a body that is another each time: capture the request itself",
    "form-string": "-F writes a body that is another each time: capture the request itself",
    "upload-file": "-T sends a file: give it with --data-binary @file",
    "config": "-K reads options from a file: write them out",
    "data-urlencode": "--data-urlencode is not taken: write the encoded body with --data-raw",
    "url-query": "--url-query is not taken: write the URL that is sent",
    "next": "--next begins a second request: keep one",
}
#: Options of no account for what is signed: those that take a value, and those that do not.
_WITH_VALUE: Final = {
    "user", "output", "max-time", "connect-timeout", "proxy", "proxy-user", "cacert", "capath", "cert", "cert-type", "key", "key-type",
    "pass", "retry", "retry-delay", "retry-max-time", "resolve", "connect-to", "dump-header", "cookie-jar", "write-out", "ciphers",
    "tls-max", "interface", "range", "speed-limit", "speed-time", "limit-rate", "max-redirs", "noproxy", "proto", "proto-default",
    "local-port", "stderr", "trace", "trace-ascii", "unix-socket", "expect100-timeout", "keepalive-time",
}  # fmt: skip
_WITHOUT_VALUE: Final = {
    "compressed", "silent", "show-error", "insecure", "location", "include", "verbose", "fail", "fail-with-body", "globoff",
    "path-as-is", "http0.9", "http1.0", "http1.1", "http2", "http2-prior-knowledge", "http3", "http3-only", "progress-bar",
    "no-progress-meter", "no-buffer", "no-keepalive", "no-alpn", "ipv4", "ipv6", "tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3",
    "ssl-reqd", "remote-name", "remote-header-name", "create-dirs", "netrc-optional", "raw", "tcp-nodelay", "basic", "digest",
    "anyauth", "location-trusted", "post301", "post302", "post303", "retry-connrefused", "retry-all-errors", "no-sessionid", "disable",
}  # fmt: skip
_SHORT_WITH_VALUE: Final = "uomxUcEwDCyYrz"
_SHORT_WITHOUT_VALUE: Final = "sSkLivfN#460123OJqnRj"
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LARGEST: Final = 4_194_304
#: What stands before a command that was copied from a terminal.
_PROMPT: Final = re.compile(rb"^[$>]\s+")


@dataclass(slots=True)
class _Command:
    """What the options say, gathered."""

    method: str = ""
    urls: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    taken_out: set[str] = field(default_factory=set)
    #: Each piece of data, and whether an & stands before it.
    data: list[tuple[bytes, bool]] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    as_is: bool = False
    globoff: bool = False


def curl_request(data: bytes, *, allow_files: bool) -> Request:
    """The request that the command sends. ``allow_files``: whether ``-d @file`` is read. Raises `Stop`, and quotes nothing."""
    if len(data) > _LARGEST:
        wrong_use(f"the curl command is longer than {_LARGEST} bytes")
    words = shell_words(_PROMPT.sub(b"", data.strip()))
    command = _Command()
    for name, value in _options(words[1:]):
        _apply(command, name, value, allow_files=allow_files)
    return _request(command)


def _options(words: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each option by its long name, with its value (empty where it takes none); a URL is the option ``url``."""
    place = 0
    literal = False

    def value_of(inline: bytes) -> bytes:
        nonlocal place
        if inline:
            return inline
        place += 1
        if place >= len(words):
            _bad("its last option lacks a value")
        return words[place]

    while place < len(words):
        word = words[place]
        number = place + 2  # curl itself is the first word
        if literal or not word.startswith(b"-") or word == b"-":
            yield "url", word
        elif word == b"--":
            literal = True
        elif word.startswith(b"--"):
            name = word[2:].decode("latin-1")
            if name in _REFUSED or name == "head":
                yield name, b""
            elif name in _DATA or name in _HEADERS or name in ("request", "header", "url") or name in _WITH_VALUE:
                yield name, value_of(b"")
            elif name in _WITHOUT_VALUE:
                yield name, b""
            else:
                _bad(f"word {number} is an option that is not known: take it out if it does not change what is sent")
        else:
            yield from _letters(word[1:].decode("latin-1"), number, value_of)
        place += 1


def _letters(letters: str, number: int, value_of: Callable[[bytes], bytes]) -> Iterator[tuple[str, bytes]]:
    """Short options, which can stand together: ``-sSXPOST``."""
    for at, letter in enumerate(letters):
        name = _SHORT.get(letter, "")
        if name in _REFUSED or name in ("head", "globoff"):
            yield name, b""
        elif name or letter in _SHORT_WITH_VALUE:
            yield name or "output", value_of(letters[at + 1 :].encode("latin-1"))
            return
        elif letter not in _SHORT_WITHOUT_VALUE:
            _bad(f"word {number} is an option that is not known: take it out if it does not change what is sent")


def _apply(command: _Command, name: str, value: bytes, *, allow_files: bool) -> None:
    text = value.decode("latin-1")
    if name in _REFUSED:
        _bad(_REFUSED[name])
    elif name == "url":
        command.urls.append(text)
    elif name == "request":
        command.method = text
    elif name == "head":
        command.method = command.method or "HEAD"
    elif name == "header":
        _take_header(command, text)
    elif name in _HEADERS:
        if not _HEADER_VALUE.fullmatch(text):
            _bad(f"the value of --{name} holds a control character")
        if name != "cookie" or "=" in text:  # without = it is the name of a file
            _take_default(command, _HEADERS[name], text.strip(" \t"))
    elif name in _DATA:
        command.data.append((_content(name, value, allow_files=allow_files), name != "json"))
        if name == "json":
            command.defaults |= {"Content-Type": "application/json", "Accept": "application/json"}
    elif name == "path-as-is":
        command.as_is = True
    elif name == "globoff":
        command.globoff = True


def _take_default(command: _Command, name: str, value: str) -> None:
    """A header that has an option of its own: cookies come together, ``;auto`` is for redirects, and an empty one is not sent."""
    if name == "Cookie":
        value = ";".join(filter(None, [command.defaults.get(name, ""), value]))
    elif name == "Referer":
        value = value.partition(";auto")[0]
    command.defaults.pop(name, None)
    if value:
        command.defaults[name] = value


def _take_header(command: _Command, text: str) -> None:
    if text.startswith("@"):
        _bad("-H @file reads headers from a file: write them out")
    name, colon, value = text.partition(":")
    if not colon and name.endswith(";"):
        name, colon = name[:-1], ":"  # how curl is told to send an empty one
    elif colon and not value.strip():
        command.taken_out.add(name.strip().lower())  # and how not to send its own
        return
    if not colon or not TOKEN.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        _bad("a header is not a name, a colon and a value, or holds a control character")
    command.pairs.append((name, value.strip(" \t")))


def _content(name: str, value: bytes, *, allow_files: bool) -> bytes:
    if name == "data-raw" or not value.startswith(b"@"):
        return value
    if not allow_files:
        _bad("its body is in a file, and files that a command names are not read: give --allow-files if the command is your own")
    if value == b"@-":
        _bad("its body comes from standard input: save it in a file, and name that")
    content = read_bytes(value[1:].decode("utf-8", "surrogateescape"), "the body of the curl command")
    return content.translate(None, b"\r\n\0") if name in ("data", "data-ascii") else content  # -d takes those out of a file


def _request(command: _Command) -> Request:
    if len(command.urls) != 1:
        _bad(f"it has {len(command.urls)} URLs, and one is wanted")
    address = command.urls[0]
    url = url_of(address if "://" in address else f"http://{address}")
    if url is None:
        _bad("its URL is not one")
    if not command.as_is and re.search(r"/\.\.?(/|\?|$)", url.target):
        _bad("curl takes /./ and /../ out of its URL: write the URL that is sent, or --path-as-is")
    if not command.globoff and re.search(r"[][{}]", url.target):
        _bad("curl makes several URLs of {…} and […]: give --globoff if they are part of the one that is sent")
    body = b""
    for number, (piece, joined) in enumerate(command.data):
        body += (b"&" if number and joined else b"") + piece
    method = command.method or ("POST" if command.data else "GET")
    if not TOKEN.fullmatch(method):
        _bad("its method is not one")
    defaults = {"Host": url.authority}
    if command.data:
        defaults["Content-Type"] = "application/x-www-form-urlencoded"
    defaults |= command.defaults
    given = {name.lower() for name, _ in command.pairs} | command.taken_out
    pairs = [*((name, value) for name, value in defaults.items() if name.lower() not in given), *command.pairs]
    return Request(method, url.target, pairs, body)


def _bad(why: str) -> NoReturn:
    wrong_use(f"the curl command: {why}")
