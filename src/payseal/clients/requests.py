"""An auth for requests: it signs the bytes that are sent, again on a redirect and on a retry, and for one origin only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from payseal.clients.bodies import Body, rereadable
from payseal.clients.bound import BoundSigner, Header, Signed
from payseal.clients.origins import Origin
from payseal.errors import MissingExtra, SigningError
from payseal.signing import Signer

try:
    from requests import PreparedRequest
    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict
    from urllib3.exceptions import LocationParseError
    from urllib3.util import Url, parse_url
except ImportError:
    raise MissingExtra("payseal.clients.requests", "requests") from None

if TYPE_CHECKING:
    _Headers = CaseInsensitiveDict[str]
else:
    _Headers = CaseInsensitiveDict

__all__ = ["SignatureAuth"]


class SignatureAuth(AuthBase):
    """Signs each request of a call or a session::

        requests.post(url, json=payment, auth=SignatureAuth(signer))

    ``origin`` is the only origin it signs for, such as ``"https://api.example.com"``; by default that of the first request. A request
    addressed to another raises `SigningError`; a *redirect* to another leaves without any header of the scheme, and nothing after it
    is signed. A redirect within the origin is signed again. Each signature has a new request id, unless the caller set the header
    that holds it (``Client-Request-Id``): then that is the id, on the redirect too.

    A body is whatever requests takes. A file is read in pieces from where it stands and sent from there; what cannot seek is kept
    aside first, in a temporary file above 1 MiB, and sent with its ``Content-Length``.

    Retries of an ``HTTPAdapter(max_retries=Retry(…))`` are signed again at their own time, under the same request id: it is the same
    request (through a CONNECT proxy they repeat the bytes of the first attempt). One prepared request handed to ``Session.send``
    twice goes out twice with one signature, and a copy of it with none: call the auth with it, ``auth(prepared)``, to sign it anew.

    Raises `SigningError` for an origin that is not one.
    """

    def __init__(self, signer: Signer, *, origin: str | None = None) -> None:
        self._signer = BoundSigner(signer, None if origin is None else _origin(_parsed(origin)))

    def __repr__(self) -> str:
        return f"<SignatureAuth {self._signer!r}>"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign a prepared request, in place. Raises `SigningError` when it cannot be signed."""
        if type(r) not in (PreparedRequest, _SignedRequest):
            # Its copy() could not be made to leave the signature out, and a redirect would carry it anywhere.
            raise SigningError(f"a requests.PreparedRequest can be signed, not a {type(r).__name__}")
        self._signer.bind(_origin(_parsed(r.url)))
        _adopt(r, self._signer).sign()
        return r


class _SignedRequest(PreparedRequest):
    """A prepared request whose copies carry no signature, and which signs itself again when a redirect has made it another.

    Session.resolve_redirects works on ``copy()``, changes url, method and body, and then calls ``prepare_cookies``: the first moment
    at which what will be sent is known. Should a version of requests do otherwise, the redirect leaves unsigned and is refused;
    it cannot leave with a signature that was made for something else.
    """

    signer: BoundSigner
    #: What the caller set under the scheme's names, in case it must be signed again. Replaced, never changed.
    theirs: Sequence[Header] = ()
    #: What signing put into the headers. Replaced, never changed.
    ours: Mapping[str, str] = MappingProxyType({})
    awaits_redirect: bool
    # requests' own: where to rewind a file to. A Body begins at its beginning each time.
    _body_position: object

    def sign(self, nonce: str | None = None) -> None:
        """Sign method, URL, headers and body as they are now. ``nonce`` is the id of an earlier signature of this same request."""
        self._unsign()
        url = _parsed(self.url)
        # urllib3 normalises the request line again when it sends (upper-case escapes, no dot segments): do it first, and sign that.
        self.url = url.url
        headers = _Headers(self.headers)
        headers.pop("Transfer-Encoding", None)
        body = self._settle_body(headers)
        ours: dict[str, str] = {}
        if self.signer.covers_host and "Host" not in headers:
            # http.client would derive it from the connection; what is covered is written out, so that it is the same.
            ours["Host"] = _origin(url).authority
        theirs = [(_text(name), _text(value)) for name, value in headers.items()]
        signed = self.signer.sign(self.method or "", url.request_uri, [*theirs, *ours.items()], body, nonce=nonce)
        if isinstance(body, Body):
            body.rewind()
        self.theirs = [(name, value) for name, value in theirs if name.lower() in self.signer.names]
        self.ours = {**ours, **dict(signed.headers)}
        headers.update(self.ours)
        self.headers = _FirstAttempt(headers, self, signed)

    def copy(self) -> PreparedRequest:
        """A copy without any header of the scheme, to become a redirect."""
        duplicate = super().copy()
        headers = _Headers(self.headers)
        for name in (*self.signer.names, *self.ours):
            headers.pop(name, None)
        duplicate.headers = headers
        adopted = _adopt(duplicate, self.signer)
        adopted.theirs = self.theirs
        adopted.awaits_redirect = True
        return adopted

    def prepare_cookies(self, cookies: Any) -> None:
        super().prepare_cookies(cookies)
        if not self.awaits_redirect:
            return
        self.awaits_redirect = False
        if _is_for(self.signer, self.url):
            # requests makes this request even if nobody follows the redirect. What cannot be signed (it lost a covered header along
            # with its body) is left unsigned: to raise here would withhold the answer to the request that was redirected.
            with suppress(SigningError):
                self.sign()
        else:
            # Elsewhere it is an ordinary request, and stays one: nobody else's redirect decides what is signed here.
            self.__class__ = PreparedRequest  # type: ignore[assignment]
            del self.signer, self.theirs, self.awaits_redirect

    def prepare_auth(self, auth: Any, url: Any = "") -> None:
        super().prepare_auth(auth, url)
        # On a redirect Session.rebuild_auth looks into .netrc, which does not go before an auth that was given.
        self.headers.update(self.ours)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A pickle, as of a response that is cached, holds neither signer nor token.
        plain = PreparedRequest.copy(self)
        plain.headers = self.copy().headers
        return PreparedRequest, (), plain.__dict__

    def _unsign(self) -> None:
        """Put the caller's own headers back in place of what signing put there, unless the caller has changed them since."""
        headers = _Headers(self.headers)
        taken_out = {name.lower() for name in self.ours if name not in headers}
        for name, value in self.ours.items():
            if headers.get(name) == value:
                del headers[name]
        for name, value in self.theirs:
            if name.lower() not in taken_out:
                headers.setdefault(name, value)
        self.headers = headers
        self.ours = {}

    def _settle_body(self, headers: CaseInsensitiveDict[str]) -> bytes | Body:
        """Make the body bytes, or a `Body`, and let ``Content-Length`` say how long it is."""
        body: Any = self.body
        if body is None:
            return b""
        if isinstance(body, str):
            body = body.encode("utf-8")
        elif isinstance(body, bytearray | memoryview):
            body = bytes(body)
        elif not isinstance(body, bytes | Body):
            body = rereadable(body)
            self._body_position = None
        headers["Content-Length"] = str(len(body))
        self.body = body if len(body) else b""
        return cast("bytes | Body", self.body)


class _FirstAttempt(_Headers):
    """The headers of a signed request. urllib3 copies them before it sends."""

    def __init__(self, headers: CaseInsensitiveDict[str], request: _SignedRequest, signed: Signed) -> None:
        super().__init__(headers)
        self.request, self.signed = request, signed

    def copy(self) -> CaseInsensitiveDict[str]:
        return _LaterAttempt(self, self.request, self.signed)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return CaseInsensitiveDict, (dict(self.request.copy().headers),)


class _LaterAttempt(_FirstAttempt):
    """A copy of those. urllib3 retries with what it sent, and copies it anew: that copy is signed again.

    Should a version of urllib3 do otherwise, a retry repeats the bytes of the first attempt.
    """

    def copy(self) -> CaseInsensitiveDict[str]:
        # Not for whoever copies the headers of a request that has been signed anew since.
        if getattr(self.request.headers, "signed", None) is self.signed:
            self.request.sign(self.signed.nonce)
        headers = _Headers(self)
        headers.update(self.request.headers)
        return _LaterAttempt(headers, self.request, getattr(self.request.headers, "signed", self.signed))


def _adopt(request: PreparedRequest, signer: BoundSigner) -> _SignedRequest:
    # In place: Session.prepare_request keeps the object that it gave to the auth, whatever the auth returns.
    if not isinstance(request, _SignedRequest):
        request.__class__ = _SignedRequest
    adopted = cast(_SignedRequest, request)
    adopted.signer = signer
    adopted.awaits_redirect = False
    return adopted


def _is_for(signer: BoundSigner, url: str | None) -> bool:
    try:
        return signer.is_for(_origin(_parsed(url)))
    except SigningError:
        return False


def _parsed(url: str | None) -> Url:
    try:
        return parse_url(url or "")
    except LocationParseError:
        raise SigningError("not a URL") from None


def _origin(url: Url) -> Origin:
    return Origin.of(url.scheme, url.host, url.port)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
