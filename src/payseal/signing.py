"""Signer: from a request to the headers that prove who sent it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from payseal.credentials import Credential
from payseal.errors import CredentialError, Rejected, SigningError
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.base import SignatureBase, Values, request_text
from payseal.schemes.template import Component

__all__ = ["Signer"]


class Signer:
    """Signs requests of one scheme with one credential.

    ``clock`` gives the time in seconds since the epoch and ``random`` random bytes; both are read only when `sign` is not told.
    Raises `CredentialError` when the credential lacks what the scheme needs.
    """

    def __init__(
        self,
        scheme: Scheme,
        credential: Credential,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.scheme = scheme
        self.credential = credential
        self._clock = clock
        self._random = random
        rule = scheme.signature
        macs = credential.macs(rule.algorithm, rule.key)
        if not macs:
            raise CredentialError(f"{scheme.name} is keyed with the {rule.key} and the credential has none: pass {rule.key}=…")
        self._mac = macs[0]  # the newest
        self._fixed = Values()  # what every request of this credential says alike
        if credential.keyid is not None:
            self._fixed["keyid"] = credential.keyid
        if credential.has_token:
            self._fixed["token"] = credential.reveal_token()
        self._headers = tuple(header for header in scheme.headers if not (header.optional and self._lacks(header.components)))
        self._unsigned = tuple(rule for rule in self._headers if not any(part.name == "signature" for part in rule.components))
        for header in self._headers:
            if missing := self._lacks(header.components):
                raise CredentialError(f"{scheme.name} sends the {missing} in {header.name} and the credential has none: pass {missing}=…")

    def __repr__(self) -> str:
        return f"<Signer {self.scheme.name!r} {self.credential!r}>"

    def _lacks(self, components: tuple[Component, ...]) -> str:
        return next((part.name for part in components if part.name in ("keyid", "token") and part.name not in self._fixed), "")

    def sign(self, request: Request, *, created: float | None = None, nonce: str | None = None) -> dict[str, str]:
        """The headers to add to the request, in the scheme's order.

        ``created`` (seconds since the epoch) and ``nonce`` are made when they are not given, and left out of account where the scheme
        has none. Send the request with exactly this method, target and body. Raises `SigningError` when it cannot be signed.
        """
        values = self._values(created, nonce)
        written = self._written(values, request)
        values["signature"] = self._signature(self._base(request, values, written))
        return {
            header.name: written.get(header.key) or header.write(lambda part: self._text(part, values, request)) for header in self._headers
        }

    def signature_base(self, request: Request, *, created: float, nonce: str | None = None) -> bytes:
        """The exact bytes that `sign` would MAC: to look at, or to compare with another implementation's. Raises `SigningError`."""
        values = self._values(created, nonce)
        return bytes(self._base(request, values, self._written(values, request)))

    def _written(self, values: Values, request: Request) -> Values:
        """The headers that are known before the signature is, by key."""
        return Values((header.key, header.write(lambda part: self._text(part, values, request))) for header in self._unsigned)

    def _values(self, created: float | None, nonce: str | None) -> Values:
        scheme = self.scheme
        values = Values(self._fixed)
        if scheme.created is not None:
            try:
                values["created"] = scheme.created.write(self._clock() if created is None else created)
            except (ValueError, OverflowError, OSError) as error:
                raise SigningError(f"created: {error} ({scheme.created.format.text})") from None
        if scheme.nonce is not None:
            values["nonce"] = scheme.nonce.make(self._random) if nonce is None else nonce
            if not isinstance(values["nonce"], str) or not scheme.nonce.grammar.accepts(values["nonce"]):
                raise SigningError(f"nonce: not what {scheme.name} takes as a request id; its pattern is in the scheme's [nonce] table")
        return values

    def _base(self, request: Request, values: Values, written: Values) -> SignatureBase:
        def header(name: str) -> str:
            if name in written:
                return written[name]
            found = request.values(name)
            if len(found) != 1:
                raise SigningError(f"{self.scheme.name} covers the header {name}, and the request has it {len(found)} times")
            return found[0]

        try:
            return self.scheme.signature.base.of(values, request, header)
        except Rejected as rejected:
            raise SigningError(f"the request cannot be signed: {rejected.detail}") from None

    def _signature(self, base: SignatureBase) -> str:
        return self.scheme.signature.encoding.encode(self._mac.digest(base))

    def _text(self, part: Component, values: Values, request: Request) -> str:
        return values[part.name] if part.name in values else request_text(part, request, lambda name: "")
