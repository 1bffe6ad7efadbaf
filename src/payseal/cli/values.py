"""The values of options and arguments: each checked once, where it comes in. No error quotes what was given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from payseal.cli.failures import wrong_use

__all__ = ["TOKEN", "Url", "check_content_length", "duration", "header_pairs", "method_of", "one_of", "seconds", "url_of"]

#: token of RFC 9110, section 5.6.2.
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")
#: The year 9999; what is later is milliseconds.
_LATEST: Final = 253_402_300_800
_PORTS: Final = {"http": 80, "https": 443}


def one_of(*choices: str) -> Callable[[str], str]:
    """The type of an option that is one of those words. `click.Choice` would quote what it was given."""

    def choice(text: str) -> str:
        if text not in choices:
            wrong_use(f"that choice is not one of: {', '.join(choices)}")
        return text

    return choice


def duration(text: str) -> float:
    """A number of seconds to wait: more than none, at most a day. Raises `Stop`."""
    value = float(text) if re.fullmatch(r"\d{1,5}(\.\d{1,6})?", text, re.ASCII) else 0.0
    if not 0 < value <= 86_400:
        wrong_use("a time to wait is given in seconds, such as 30 or 0.5")
    return value


def seconds(text: str) -> float:
    """Seconds since the epoch, such as ``1729620420.123``. Raises `Stop`."""
    if not re.fullmatch(r"\d{1,20}(\.\d{1,20})?", text, re.ASCII):
        wrong_use("a time is given in seconds since the epoch, such as 1729620420 or 1729620420.123")
    if float(text) >= _LATEST:
        wrong_use("that time is after the year 9999: seconds are wanted, not milliseconds")
    return float(text)


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute ``http`` or ``https`` URL, as it is sent: host in lower case, no default port, no fragment."""

    secure: bool
    host: str  # without the brackets of an IPv6 address
    port: int
    authority: str  # the value of Host
    target: str

    def __str__(self) -> str:
        return f"http{'s' if self.secure else ''}://{self.authority}{self.target}"


def url_of(text: str) -> Url | None:
    """That URL, or ``None`` for a text that is none and does not begin like one. Raises `Stop` for one that cannot be sent."""
    word, separator, _ = text.partition("://")
    if not separator or "/" in word:
        return None
    if word.lower() not in _PORTS:
        wrong_use("the URL must begin with https:// or http://")
    if not _VISIBLE.fullmatch(text):
        wrong_use("the URL holds a blank or a character that is not ASCII: percent-encode it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        wrong_use("the host or the port of the URL is not one")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or parts.netloc.endswith(":"):
        wrong_use("the host or the port of the URL is not one")
    if "@" in parts.netloc:
        wrong_use("the URL holds a user name or a password: the signature's headers say who is asking")
    default = _PORTS[parts.scheme]
    bracketed = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = bracketed if port in (None, default) else f"{bracketed}:{port}"
    # Cut by hand, so that an empty query stays: "/x?" and "/x" are two targets.
    rest = text.partition("://")[2][len(parts.netloc) :].partition("#")[0]
    return Url(parts.scheme == "https", parts.hostname, port or default, authority, rest if rest.startswith("/") else f"/{rest}")


def method_of(text: str) -> str:
    """The method, in upper case as RFC 9110 registers them. Raises `Stop`."""
    if not TOKEN.fullmatch(text):
        wrong_use("that is not an HTTP method: one is a word such as POST")
    return text.upper()


def header_pairs(texts: tuple[str, ...], *, written_by_scheme: tuple[str, ...]) -> list[tuple[str, str]]:
    """``Name: value`` texts as pairs. Raises `Stop` for what is no header, and for one that the signature itself writes."""
    pairs: list[tuple[str, str]] = []
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not TOKEN.fullmatch(name):
            wrong_use("--header takes a name, a colon and a value, such as --header 'Content-Type: application/json'")
        if not _FIELD_VALUE.fullmatch(value):
            wrong_use(f"--header {name}: the value holds a control character or is not ASCII")
        if name.lower() in (written.lower() for written in written_by_scheme):
            wrong_use(f"--header {name}: the scheme writes this header itself")
        pairs.append((name, value.strip(" \t")))
    return pairs


def check_content_length(pairs: list[tuple[str, str]], size: int) -> None:
    """Refuse headers that would contradict the body as it is sent. Raises `Stop`."""
    for name, value in pairs:
        if name.lower() == "transfer-encoding":
            wrong_use("--header Transfer-Encoding: the body is sent as it is, with its length")
        if name.lower() == "content-length" and value != str(size):
            wrong_use(f"--header Content-Length: the body has {size} bytes; leave the header out")
