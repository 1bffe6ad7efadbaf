"""The auth of httpx and of httpx2, its continuation: one API under two module names, and one code for both.

Where a name of ``httpx`` stands in an annotation here, the library in use is meant.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from payseal.clients.bodies import Body, Spooled
from payseal.clients.bound import BoundSigner
from payseal.clients.headers import SignedHeaders
from payseal.clients.origins import Origin
from payseal.clients.streams import ReplayedStream
from payseal.errors import PaysealError, SigningError
from payseal.signing import Signer

if TYPE_CHECKING:
    import httpx

__all__ = ["Flow"]

#: How an API answers a request without a signature. Never a server's error: that one may have acted on it.
_REFUSED: Final = frozenset({400, 401, 403, 404})

_Raw = tuple[bytes, bytes]


class Flow:
    """What `payseal.clients.httpx.SignatureAuth` and its httpx2 twin do, mixed into the ``Auth`` of each library."""

    _library: ClassVar[Any]  # the module httpx or httpx2
    _headers: ClassVar[type[SignedHeaders]]
    _stream: ClassVar[type[ReplayedStream]]

    def __init_subclass__(cls, *, library: Any = None) -> None:
        if library is None:
            return  # a subclass of the user's
        cls._library = library
        cls._headers = type("SignedHeaders", (SignedHeaders, library.Headers), {"plain": library.Headers})
        cls._stream = type("ReplayedStream", (ReplayedStream, library.SyncByteStream, library.AsyncByteStream), {})

    def __init__(self, signer: Signer, *, origin: str | None = None) -> None:
        self._signer = BoundSigner(signer, None if origin is None else self._parsed(origin))
        self._prove_that_copies_are_unsigned()

    def __repr__(self) -> str:
        return f"<SignatureAuth {self._signer!r}>"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """What ``Client`` drives. Raises `SigningError` when the request cannot be signed."""
        theirs = self._sign(request, self._body(request))
        response = yield request
        while (again := self._redirected(response, theirs)) is not None:
            self._sign(again, self._body(again))
            response = yield again

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """What ``AsyncClient`` drives. Raises `SigningError` when the request cannot be signed."""
        theirs = self._sign(request, await self._async_body(request))
        response = yield request
        while (again := self._redirected(response, theirs)) is not None:
            self._sign(again, await self._async_body(again))
            response = yield again

    def _sign(self, request: httpx.Request, body: bytes | Body) -> list[_Raw]:
        """Sign the request in place; what the caller had set under the scheme's names is returned."""
        origin = _origin(request.url)
        self._signer.bind(origin)
        before = request.headers
        pairs = (before.unsigned() if isinstance(before, SignedHeaders) else before).raw
        # "target" is httpx's way to send another request target than the URL's.
        target = request.extensions.get("target", request.url.raw_path)
        signed = self._signer.sign(request.method, _text(target), [(_text(name), _text(value)) for name, value in pairs], body)
        names = self._signer.names
        theirs = [pair for pair in pairs if _text(pair[0]).lower() in names]
        own = [pair for pair in pairs if _text(pair[0]).lower() not in names]
        signature = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in signed.headers]
        request.headers = self._headers(own, signature, theirs)
        return theirs

    def _redirected(self, response: httpx.Response, theirs: list[_Raw]) -> httpx.Request | None:
        """The request to sign and send once more, when redirects led to an unsigned one that was refused; else ``None``.

        Redirects are followed beneath an auth, so each leaves unsigned first. It is signed only where every step before it was within
        the origin: once it has been elsewhere, somebody else chose what it asks for.
        """
        request = response.request
        if not response.history or isinstance(request.headers, SignedHeaders) or response.status_code not in _REFUSED:
            return None
        if not all(self._is_home(hop.url) for hop in (request, *(earlier.request for earlier in response.history))):
            return None
        # A request of its own: the one that was refused stays in the history as it was sent. httpx bounds how many there can be.
        again: httpx.Request = self._library.Request(
            request.method, request.url, headers=[*request.headers.raw, *theirs], stream=request.stream, extensions=request.extensions
        )
        return again

    def _body(self, request: httpx.Request) -> bytes | Body:
        """The body's bytes, or something that yields them again and again and is sent in its stead."""
        stream: Any = request.stream
        kept = self._kept(request)
        if kept is not None:
            return kept
        if not isinstance(stream, self._library.SyncByteStream):
            raise SigningError("an asynchronous body can be sent by an AsyncClient only")
        spooled = Spooled()
        for piece in stream:
            spooled.write(piece)
        return self._replace(request, spooled)

    async def _async_body(self, request: httpx.Request) -> bytes | Body:
        stream: Any = request.stream
        # An AsyncClient does not take an open file by itself; kept aside it can be sent by either.
        if self._kept(request) is not None or not isinstance(stream, self._library.AsyncByteStream):
            return self._body(request)
        spooled = Spooled()
        async for piece in stream:
            spooled.write(piece)
        return self._replace(request, spooled)

    def _kept(self, request: httpx.Request) -> bytes | Body | None:
        """The body where it is known that it can be read again; ``None`` for every other stream.

        Not even multipart bodies are trusted: they rewind their files only if those can be.
        """
        if isinstance(request.stream, ReplayedStream):
            return request.stream.body
        return request.read() if isinstance(request.stream, self._library.ByteStream) else None

    def _replace(self, request: httpx.Request, body: Body) -> Body:
        request.stream = cast("httpx.SyncByteStream", self._stream(body))
        request.headers.pop("Transfer-Encoding", None)
        request.headers["Content-Length"] = str(len(body))
        return body

    def _is_home(self, url: httpx.URL) -> bool:
        try:
            return self._signer.is_for(_origin(url))
        except SigningError:
            return False

    def _parsed(self, origin: str) -> Origin:
        try:
            return _origin(self._library.URL(origin))
        except self._library.InvalidURL:
            raise SigningError("origin is not a URL, such as https://api.example.com") from None

    def _prove_that_copies_are_unsigned(self) -> None:
        """Raise `PaysealError` where a redirect would carry the signature along: rather no client than one that leaks."""
        probe = self._headers([(b"Own", b"1")], [(b"Signature", b"1")], [])
        request = self._library.Request("GET", "http://localhost/")
        request.headers = probe
        shown = {name.lower() for name, _ in request.headers.raw}
        copied = {name.lower() for name, _ in self._library.Headers(request.headers).raw}
        if shown != {b"own", b"signature"} or copied != {b"own"}:
            version = getattr(self._library, "__version__", "of unknown version")
            raise PaysealError(f"{self._library.__name__} {version} copies headers in a way that payseal does not know: use an earlier one")


def _origin(url: httpx.URL) -> Origin:
    return Origin.of(url.scheme, _text(url.raw_host), url.port)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
