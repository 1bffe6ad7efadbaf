"""A request as payseal sees it: the bytes on the wire, nothing decoded, nothing normalised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

__all__ = ["Body", "HeaderPairs", "Request", "leading_bytes"]

#: The body: its bytes, or, where it is too large to hold, something that yields the same pieces each time it is iterated over.
Body: TypeAlias = bytes | bytearray | memoryview | Iterable[bytes]

_Text: TypeAlias = str | bytes
HeaderPairs: TypeAlias = Mapping[str, str] | Mapping[str, bytes] | Mapping[bytes, bytes] | Iterable[tuple[_Text, _Text]]

_BYTES: Final = {bytes}


class Request:
    """One HTTP request.

    ``target`` is the request target exactly as it stands (or will stand) on the request line (RFC 9112, section 3.2), query
    included. ``headers`` is a mapping or a sequence of pairs, names and values ``str`` or ``bytes``; the order and repeated names
    are kept. ``body`` is the body's bytes, or an iterable of pieces that can be gone through more than once.

    Nothing here is judged: any text is taken, and a `Verifier` refuses what it cannot read. Only a value of another *type* raises
    `TypeError`, since no client can send one.
    """

    __slots__ = ("body", "by_name", "headers", "method", "raw", "target")

    #: The headers as they were sent.
    headers: tuple[tuple[str, str], ...]
    #: By lower-case name, the value of each header, or the list of them where it stands more than once.
    by_name: dict[str, str | list[str]]
    #: The headers as a server gives them, where all are bytes, all names in lower case, and none stands twice; else ``None``. Then
    #: `headers` and `by_name` are made once somebody looks at them, which verifying a good request does not.
    raw: dict[bytes, bytes] | None

    def __init__(self, method: _Text, target: _Text, headers: HeaderPairs = (), body: Body = b"") -> None:
        # A server makes one of these for each request. So the usual types are told by `type`, at a tenth of what asking an abstract class
        # costs, and all that is done with a header is done in one pass.
        if type(body) is not bytes:
            if isinstance(body, str) or not isinstance(body, Iterable):
                raise TypeError(f"body must be bytes or an iterable of bytes, not {type(body).__name__}: encode the text that is sent")
            if isinstance(body, Iterator):
                raise TypeError("body can be read only once: pass bytes, or an iterable that starts again each time")
        self.method = method if type(method) is str else _text(method)
        self.target = target if type(target) is str else _text(target)
        self.body: Body = body
        pairs: Any = headers
        if type(pairs) is list:
            self.raw = _raw(pairs)
            if self.raw is None:
                self._take(pairs)
            return
        self.raw = None
        if type(pairs) is dict:
            self._take(pairs.items())
        elif type(pairs) is tuple and not pairs:
            self.headers, self.by_name = (), {}
        else:
            self._take(_pairs(pairs))

    def _take(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Make `headers` and `by_name`."""
        kept: list[tuple[str, str]] = []
        index: dict[str, str | list[str]] = {}
        for name, value in pairs:
            if type(name) is not str:
                name = name.decode("latin-1") if type(name) is bytes else _text(name)
            if type(value) is not str:
                value = value.decode("latin-1") if type(value) is bytes else _text(value)
            kept.append((name, value))
            # Field names are ASCII (RFC 9110): another character that lower() makes an ASCII letter of (the Kelvin sign) names no header.
            index[name.lower() if name.isascii() else name] = value
        self.headers = tuple(kept)
        self.by_name = index if len(index) == len(kept) else _listed(kept)

    def __getattr__(self, name: str) -> Any:
        # Asked only for a slot that is not filled yet.
        if name not in ("headers", "by_name") or self.raw is None:
            raise AttributeError(name)
        self._take(self.raw.items())
        return getattr(self, name)

    @classmethod
    def for_url(cls, method: _Text, url: str, headers: HeaderPairs = (), body: Body = b"") -> Request:
        """The request that a client sends for an absolute URL: the target is its path and query, and ``Host`` is added.

        Raises `ValueError` when the URL is not absolute.
        """
        from urllib.parse import urlsplit  # here, because it loads as long as half of the core, and verifying never needs it

        parts = urlsplit(url)
        if not parts.netloc:
            raise ValueError(f"not an absolute URL: {parts.path!r}")
        pairs = list(_pairs(headers))
        if not any(_text(name).lower() == "host" for name, _ in pairs):
            pairs.append(("Host", parts.netloc.rpartition("@")[2]))
        asked = "?" in url.partition("#")[0]  # an empty query is sent too, and covered
        return cls(method, (parts.path or "/") + (f"?{parts.query}" if asked else ""), pairs, body)

    def values(self, name: str) -> list[str]:
        """Every value of the header of that (lower-case) name, in order; an empty list when it is absent."""
        if self.raw is not None and name.isascii():
            value = self.raw.get(name.encode())
            return [] if value is None else [value.decode("latin-1")]
        found = self.by_name.get(name, [])
        return [found] if isinstance(found, str) else found

    @property
    def path(self) -> str:
        """The target up to the first ``?``."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target after the first ``?``; empty when there is none."""
        return self.target.partition("?")[2]

    def pieces(self) -> Iterable[bytes | bytearray | memoryview]:
        """The body, piece by piece; a body of bytes is one piece."""
        body = self.body
        return (body,) if isinstance(body, bytes | bytearray | memoryview) else body

    def __repr__(self) -> str:
        # Neither header values nor the query nor the body: any of them may hold a token or a card number.
        return f"<Request {self.method!r} {self.path!r}, {len(self.headers)} headers>"


def _pairs(headers: HeaderPairs) -> Iterable[tuple[_Text, _Text]]:
    return headers.items() if isinstance(headers, Mapping) else headers


def _raw(pairs: list[Any]) -> dict[bytes, bytes] | None:
    """What `Request.raw` is for these pairs. All of them are looked at by a few steps that do not become more with their number."""
    try:
        if type(pairs[0][0]) is not bytes:
            return None
        found: dict[bytes, bytes] = dict(pairs)
        names = b"".join(found)  # which fails where one of them is not bytes
    except (TypeError, ValueError, LookupError):
        return None
    return found if len(found) == len(pairs) and names.islower() and {*map(type, found.values())} == _BYTES else None


def _listed(headers: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """What `Request.by_name` is, where a header stands more than once."""
    index: dict[str, str | list[str]] = {}
    for name, value in headers:
        key = name.lower() if name.isascii() else name
        before = index.get(key)
        if before is None:
            index[key] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            index[key] = [before, value]
    return index


def leading_bytes(request: Request, size: int) -> bytes:
    """The first ``size`` bytes of the body, or all of it when it is shorter."""
    found = b""
    for piece in request.pieces():
        found += bytes(piece[: size - len(found)])
        if len(found) >= size:
            break
    return found


def _text(value: _Text) -> str:
    """Header text as ``str``; bytes one to one (latin-1), so that nothing is lost and nothing can fail."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("latin-1")
    raise TypeError(f"str or bytes expected, not {type(value).__name__}")
