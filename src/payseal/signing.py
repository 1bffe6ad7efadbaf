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
from payseal.schemes.times import EARLIEST, LATEST, SHORT

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
        self._next_id = scheme.nonce.maker(random) if scheme.nonce is not None else None
        self._ids_fit = scheme.nonce is not None and scheme.nonce.accepts_its_own
        self._leading = scheme.signature.base.leading
        self._spell = rule.encoding.spell
        self._prepare_headers()
        self._sign_at_once = self._compiled()

    def _prepare_headers(self) -> None:
        """What `sign` starts from, where each header carries one thing: all of them, with what is known before there is a request."""
        self._headers_begun: Values | None = None
        self._named: dict[str, str] = {}  # component → its header
        self._around: list[tuple[str, str, str]] = []  # header, text before and after its component
        begun = Values()
        for header in self._headers:
            around = header.around
            if around is None or (around[1] is not None and around[1].name not in ("keyid", "token", "nonce", "created", "signature")):
                return
            before, component, after = around
            if component is None or component.name in self._fixed:
                begun[header.name] = header.write(lambda part: self._fixed[part.name])
                continue
            if component.name in self._named:
                return
            begun[header.name] = ""
            self._named[component.name] = header.name
            if before or after:
                self._around.append((header.name, before, after))
        self._headers_begun = begun

    def __repr__(self) -> str:
        return f"<Signer {self.scheme.name!r} {self.credential!r}>"

    def _lacks(self, components: tuple[Component, ...]) -> str:
        return next((part.name for part in components if part.name in ("keyid", "token") and part.name not in self._fixed), "")

    def sign(self, request: Request, *, created: float | None = None, nonce: str | None = None) -> dict[str, str]:
        """The headers to add to the request, in the scheme's order.

        ``created`` (seconds since the epoch) and ``nonce`` are made when they are not given, and left out of account where the scheme
        has none. Send the request with exactly this method, target and body. Raises `SigningError` when it cannot be signed.
        """
        body = request.body
        if type(body) is not bytes or self._headers_begun is None or self._leading is None:
            return self._sign_generally(request, created, nonce)
        if created is None and nonce is None and (at_once := self._sign_at_once) is not None:
            quickly = at_once(body)
            if quickly is not None:
                return quickly
        text = self._time(created)
        made = self._next_id() if self._ids_fit and nonce is None and self._next_id is not None else self._id(nonce)
        headers = self._headers_begun.copy()  # a plain dict; from here on nothing can fail and show what is in it
        named = self._named
        if made is not None and "nonce" in named:
            headers[named["nonce"]] = made
        if text is not None and "created" in named:
            headers[named["created"]] = text
        headers[named["signature"]] = self._spell(self._mac.of_two(self._leading(self.credential.keyid, made, text), body)).decode()
        for name, before, after in self._around:
            headers[name] = f"{before}{headers[name]}{after}"
        return headers

    def _compiled(self) -> Callable[[bytes], dict[str, str] | None] | None:
        """What signs a body with a new id and the time of the clock; ``None`` for a scheme that is not of the usual kind.

        The function does what `sign` does, with everything looked up beforehand; calls are what signing costs beside the hash. It gives
        ``None`` where the clock says what no clock of these centuries does, and leaves the rest to `sign`.
        """
        begun, leading, next_id, created, clock = self._headers_begun, self._leading, self._next_id, self.scheme.created, self._clock
        if begun is None or leading is None or next_id is None or created is None or not self._ids_fit or created.format.slots:
            return None
        if self._around or set(self._named) != {"nonce", "created", "signature"}:
            return None
        start, compute, spell, keyid, granularity = (
            begun.copy,
            self._mac.of_two,
            self._spell,
            self.credential.keyid,
            created.format.granularity,
        )
        nonce_name, created_name, signature_name = (self._named[name] for name in ("nonce", "created", "signature"))

        def at_once(body: bytes) -> dict[str, str] | None:
            seconds = clock()
            if type(seconds) is not float or not EARLIEST <= seconds < LATEST:
                return None
            headers = start()
            headers[nonce_name] = nonce = next_id()
            headers[created_name] = text = str(int(seconds * 1000.0 + SHORT) // granularity)
            headers[signature_name] = spell(compute(leading(keyid, nonce, text), body)).decode()
            return headers

        return at_once

    def _sign_generally(self, request: Request, created: float | None, nonce: str | None) -> dict[str, str]:
        """`sign` for any scheme and any body."""
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
        values = Values(self._fixed)
        for name, text in (("created", self._time(created)), ("nonce", self._id(nonce))):
            if text is not None:
                values[name] = text
        return values

    def _time(self, created: float | None) -> str | None:
        """The text of the time, where the scheme has one."""
        rule = self.scheme.created
        if rule is None:
            return None
        try:
            return rule.write(self._clock() if created is None else created)
        except (ValueError, OverflowError, OSError) as error:
            raise SigningError(f"created: {error} ({rule.format.text})") from None

    def _id(self, nonce: str | None) -> str | None:
        """The request id, where the scheme has one."""
        rule = self.scheme.nonce
        if rule is None or self._next_id is None:
            return None
        text = self._next_id() if nonce is None else nonce
        if not isinstance(text, str) or not rule.grammar.accepts(text):
            raise SigningError(f"nonce: not what {self.scheme.name} takes as a request id; its pattern is in the scheme's [nonce] table")
        return text

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
