"""A signer that signs for one origin, and knows what to do with headers that the caller set itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from payseal.clients.origins import Origin
from payseal.errors import SigningError
from payseal.request import Body, Request
from payseal.schemes.template import Component
from payseal.signing import Signer

__all__ = ["BoundSigner", "Header", "Signed"]

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """What is to stand in a request under the scheme's header names, and in their stead nothing else."""

    headers: tuple[Header, ...] = field(repr=False)
    #: The request id, to sign this same request once more; ``None`` where the scheme has none.
    nonce: str | None


class BoundSigner:
    """A `Signer` for one origin: the one given, else the one of the first request."""

    def __init__(self, signer: Signer, origin: Origin | None) -> None:
        self._signer = signer
        self._origin = origin
        self._lock = threading.Lock()
        headers = signer.scheme.headers
        #: The scheme's header names in lower case. None of them goes to another origin, whoever set it.
        self.names = frozenset(rule.key for rule in headers)
        covered = [part for part in signer.scheme.signature.base.parts if isinstance(part, Component)]
        #: Whether the signature covers ``Host``.
        self.covers_host = any(part.name == "host" or part.header == "host" for part in covered)
        # A header that is the request id and nothing else: there a caller can name the id itself, to send one request again.
        self._nonce_header = next((rule.key for rule in headers if rule.parts == (Component("nonce"),)), "")

    def __repr__(self) -> str:
        return f"{self._signer.scheme.name!r} for {self._origin or 'the first origin it signs for'}"

    def is_for(self, origin: Origin) -> bool:
        """Whether it signs for that origin."""
        return origin == self._origin

    def bind(self, origin: Origin) -> None:
        """Take a request that the caller addressed to ``origin``. Raises `SigningError` when it is not this signer's."""
        with self._lock:
            self._origin = self._origin or origin
        if origin != self._origin:
            raise SigningError(
                f"this auth signs for {self._origin} and the request is for {origin}: make another auth for it, or give each its origin=…"
            )

    def sign(self, method: str, target: str, headers: Iterable[Header], body: Body, *, nonce: str | None = None) -> Signed:
        """Sign a request. ``headers`` are the ones that it is sent with; what the caller set under the scheme's names is replaced.

        Except that the header of the request id, where there is one, names the id; and that a header which this credential leaves out
        (an access token that it does not have) stays as the caller set it. ``nonce`` is the id of an earlier signature of this same
        request. Raises `SigningError`.
        """
        pairs = list(headers)
        theirs = [(name, value) for name, value in pairs if name.lower() in self.names]
        named = [value for name, value in theirs if name.lower() == self._nonce_header]
        if len(named) > 1:
            raise SigningError(f"the request has {len(named)} headers {self._nonce_header}, and it is one request")
        written = self._signer.sign(Request(method, target, pairs, body), nonce=named[0] if named else nonce)
        over = {name.lower() for name in written}
        kept = [(name, value) for name, value in theirs if name.lower() not in over]
        return Signed((*kept, *written.items()), self._nonce_in(written))

    def _nonce_in(self, written: dict[str, str]) -> str | None:
        """The request id, read back from whichever header carries it."""
        for rule in self._signer.scheme.headers:
            if rule.name in written and any(component.name == "nonce" for component in rule.components):
                return next(text for component, text in rule.read(written[rule.name]) if component.name == "nonce")
        return None
