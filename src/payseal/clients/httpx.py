"""An auth for httpx, synchronous and asynchronous: it signs the bytes that are sent, again on a redirect, for one origin only."""

from __future__ import annotations

from payseal.clients.flow import Flow
from payseal.errors import MissingExtra

try:
    import httpx
except ImportError:
    raise MissingExtra("payseal.clients.httpx", "httpx") from None

__all__ = ["SignatureAuth"]


class SignatureAuth(Flow, httpx.Auth, library=httpx):
    """Signs each request of a ``Client`` or an ``AsyncClient``::

        httpx.Client(base_url="https://api.example.com", auth=SignatureAuth(signer))

    ``origin`` is the only origin it signs for, such as ``"https://api.example.com"``; by default that of the first request. A request
    addressed to another raises `SigningError`. Each signature has a new request id, unless the caller set the header that holds it
    (``Client-Request-Id``): then that is the id, on a redirect too. Sending one ``Request`` again signs it again.

    A body is whatever httpx takes. What is not in memory already (an open file, an iterator, multipart) is read once and kept aside,
    in a temporary file above 1 MiB, and sent from there with its ``Content-Length``.

    httpx follows redirects beneath its auths. So a redirect leaves without any header of the scheme, whatever its origin; where it
    stays within the origin and is refused (400, 401, 403 or 404), it is signed and sent once more. Whoever follows redirects by hand
    saves that round: ``client.send(response.next_request)`` is signed when it is sent, and raises `SigningError` for another origin.
    Retries of an ``HTTPTransport(retries=…)`` are of the connection only: nothing was sent before them.

    Raises `SigningError` for an origin that is not one, and `PaysealError` when the installed httpx would copy a signature along with
    a request's headers.
    """
