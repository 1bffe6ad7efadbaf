"""Verifier: whether a request is signed by a credential, over exactly these bytes, inside the window.

Two pure steps, so that looking a credential up and remembering its request id stay outside: `Verifier.read` takes the headers apart,
`Verifier.check` proves them. The order is fixed: parse → credential → MAC → time window. Nothing that a client sends makes either of
them raise anything but `Rejected`; nothing they say carries a secret, a MAC or a header's value.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from payseal.credentials import Credential, Credentials, resolver
from payseal.errors import Rejected, SchemeError
from payseal.mac import Encoding, PreparedMac, same
from payseal.request import Request, leading_bytes
from payseal.schemes import Scheme
from payseal.schemes.base import SignatureBase, Values, request_text
from payseal.schemes.boundaries import other_reading
from payseal.schemes.template import Component

__all__ = ["Authenticated", "Presented", "Verifier"]

#: No header that a scheme reads is longer (characters).
MAX_HEADER: Final = 8192
#: A request that fails costs at least as many MACs, so that time does not tell an unknown key from a known one, nor a key that is
#: being rotated from one that is not.
_PASSES: Final = 2
#: Eleven digits of seconds, which no scheme's time can have. Whoever says it is later, or is not a number, is no clock.
_END_OF_TIME: Final = 10_000_000_000
#: How many bytes of the body matter to `other_reading`: the longest id and the longest time.
_LEADING: Final = 256 + 32


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says of itself, well formed and unproven."""

    keyid: str | None
    token: str | None = field(repr=False)
    nonce: str | None
    #: The time as it was sent, and in milliseconds since the epoch; ``None`` where the scheme does not send it.
    created_text: str | None
    created: int | None
    #: Each signature with the encodings that have texts of its length.
    signatures: tuple[tuple[str, tuple[Encoding, ...]], ...] = field(repr=False)
    #: Digests of the body that headers claim, to be compared with the body's own.
    digests: tuple[tuple[Component, str], ...] = field(repr=False, default=())

    def __reduce__(self) -> Any:
        raise TypeError("what a request presents may hold an access token and is not pickled")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A request that is proven: signed by this credential, over exactly these bytes, inside the window.

    That it is there for the *first time* only the ledger can say: claim ``id`` in ``scope`` before acting on it.
    """

    scheme: str
    keyid: str | None
    account: str
    nonce: str | None
    #: The signer's time, seconds since the epoch; ``None`` where the scheme has none.
    created: float | None
    #: What may be used once: the nonce, or, where a scheme has none, a digest of the signature base.
    id: str
    #: The time (seconds since the epoch) from which this request is no longer accepted; ``None`` where the scheme has no time.
    expires: float | None
    #: Which of the credential's secrets signed it: 0 is the newest.
    secret_index: int

    @property
    def scope(self) -> str:
        """Within what ``id`` is unique: scheme and account."""
        return f"{self.scheme}:{self.account}"


class Verifier:
    """Verifies requests of one scheme.

    ``credentials`` is a mapping by keyid, one `Credential`, or a function that is given what the request presents (`Presented`) and
    returns the credential or ``None``. ``clock`` gives the time in seconds since the epoch where `verify` is not told. A scheme
    without a key proves nothing about the sender and is refused with `SchemeError` unless ``allow_unkeyed`` is true.
    """

    def __init__(
        self,
        scheme: Scheme,
        credentials: Credentials,
        *,
        allow_unkeyed: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.scheme = scheme
        if not scheme.keyed and allow_unkeyed is not True:
            raise SchemeError(
                f"{scheme.signature.algorithm.name} has no key, so that anyone can sign",
                file=scheme.name,
                key="signature.algorithm",
                remedy="verify a keyed scheme, or pass allow_unkeyed=True if something else proves the sender",
            )
        self.find = resolver(credentials, names=scheme.names)
        self._clock = clock
        self._covers_token = any(isinstance(part, Component) and part.name == "token" for part in scheme.signature.base.parts)
        algorithm = scheme.signature.algorithm
        # Keys that nobody has, for requests that name no credential of ours.
        self._padding = tuple(PreparedMac(algorithm, os.urandom(32) if algorithm.keyed else None) for _ in range(_PASSES))

    def __repr__(self) -> str:
        return f"<Verifier {self.scheme.name!r}>"

    def verify(self, request: Request, *, now: float | None = None) -> Authenticated:
        """Read, look the credential up, check. ``now`` is seconds since the epoch. Raises `Rejected`."""
        presented = self.read(request)
        return self.check(request, presented, self.find(presented), now=now)

    def read(self, request: Request) -> Presented:
        """What the request's headers say, strictly read. Raises `Rejected` when one is missing, repeated or malformed."""
        try:
            return self._read(request)
        except Rejected as rejected:
            # Without the frames below: what they hold was sent, a token too, and tracebacks may be logged with their locals.
            raise rejected.with_traceback(None) from None

    def _read(self, request: Request) -> Presented:
        found: dict[str, str] = {}
        signatures: list[tuple[str, tuple[Encoding, ...]]] = []
        digests: list[tuple[Component, str]] = []
        for rule in self.scheme.headers:
            values = request.values(rule.key)
            if not values:
                if rule.optional:
                    continue
                raise Rejected("missing-header", f"{rule.name} is missing")
            for component, text in rule.read(_single(rule.name, values)):
                if component.name == "signature":
                    encodings = tuple(self.scheme.signature.accepted(len(text)))
                    if not encodings:
                        raise Rejected("malformed-header", f"{rule.name}: a signature cannot have {len(text)} characters")
                    signatures.append((text, encodings))
                elif component.digest:
                    digests.append((component, text))
                elif found.setdefault(component.name, text) != text:
                    raise Rejected("malformed-header", f"{rule.name}: the {component.name} differs from the one in another header")
        created = None
        created_text = found.get("created")
        if created_text is not None and self.scheme.created is not None:
            created = self.scheme.created.format.read(created_text)
            if created is None:
                raise Rejected("malformed-header", f"the time is not of the form {self.scheme.created.format.text}")
        return Presented(
            found.get("keyid"), found.get("token"), found.get("nonce"), created_text, created, tuple(signatures), tuple(digests)
        )

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """Prove what was presented. ``credential`` is the one that was found for it, or ``None``. Raises `Rejected`.

        An unknown, expired or unfit credential costs the same and gives the same answer as a wrong signature.
        """
        try:
            return self._check(request, presented, credential, now)
        except Rejected as rejected:
            raise rejected.with_traceback(None) from None  # as in `read`

    def _check(self, request: Request, presented: Presented, credential: Credential | None, now: float | None) -> Authenticated:
        seconds = self._clock() if now is None else now
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _END_OF_TIME:
            raise Rejected("unavailable", "this server's clock cannot be trusted", diagnosis="clock-in-doubt")
        milliseconds = math.floor(seconds * 1000)
        diagnosis = _unfit(presented, credential, seconds)
        if not diagnosis and self._covers_token and credential is not None and not credential.has_token:
            diagnosis = "credential-without-token"  # a token that anyone could lengthen by what follows it in the base
        rule = self.scheme.signature
        macs = credential.macs(rule.algorithm, rule.key) if credential is not None and not diagnosis else ()
        if not macs:
            diagnosis = diagnosis or "credential-without-key"
        match = self._match(request, presented, macs, milliseconds)
        if match is None or diagnosis or credential is None:
            raise Rejected("invalid-signature", diagnosis=diagnosis or "signature-mismatch")
        index, created, text, base = match
        for component, claimed in presented.digests:
            if not same(request_text(component, request, lambda name: ""), claimed):
                raise Rejected("invalid-signature", diagnosis="body-digest-mismatch")
        self._check_time(request, presented, created, text, milliseconds)
        window = self.scheme.created
        return Authenticated(
            scheme=self.scheme.name,
            keyid=credential.keyid,
            account=credential.account,
            nonce=presented.nonce,
            created=None if created is None else created / 1000,
            # A digest of the base, not the signature: it is one and the same under every secret and every encoding.
            id=presented.nonce if presented.nonce is not None else _digest(base),
            expires=None if created is None or window is None else window.last_moment(created) / 1000,
            secret_index=index,
        )

    def _match(
        self, request: Request, presented: Presented, macs: tuple[PreparedMac, ...], now: int
    ) -> tuple[int, int | None, str | None, SignatureBase] | None:
        """The secret, the time, its text and the base under which a presented signature is right; ``None`` when there are none."""
        padded = macs + self._padding[len(macs) :]
        values = Values()
        if presented.keyid is not None:
            values["keyid"] = presented.keyid
        if presented.token is not None:
            values["token"] = presented.token
        if presented.nonce is not None:
            values["nonce"] = presented.nonce

        def header(name: str) -> str:
            found = request.values(name)
            if not found:
                raise Rejected("missing-header", f"{name} is missing")
            return _single(name, found)

        for created, text in self._times(presented, now):
            if text is not None:
                values["created"] = text
            base = self.scheme.signature.base.of(values, request, header)
            for index, mac in enumerate(padded):
                if _signed(mac.digest(base), presented) and index < len(macs):
                    return index, created, text, base
        return None

    def _times(self, presented: Presented, now: int) -> Iterable[tuple[int | None, str | None]]:
        """The times that the signature may have been made at: the one sent, or every one in the window."""
        if self.scheme.created is None:
            return [(None, None)]
        if self.scheme.created_sent:
            return [(presented.created, presented.created_text)]
        return self.scheme.created.candidates(now)

    def _check_time(self, request: Request, presented: Presented, created: int | None, text: str | None, now: int) -> None:
        """After the MAC: is it fresh, and can it be nothing else?"""
        rule = self.scheme.created
        if rule is None or created is None or text is None:
            return
        if not rule.fresh(created, now):
            distance = abs(now - created) / 1000
            side = "before" if created < now else "after"
            raise Rejected("outside-window", f"signed {distance:.0f} s {side} this server's time")
        nonces = self.scheme.nonce
        if self.scheme.guarded and nonces is not None:
            body = leading_bytes(request, _LEADING)
            if other_reading(presented.nonce or "", text, body, rule, nonces.grammar, now):
                raise Rejected("ambiguous-base", "where the id, the time and the body begin and end cannot be told from the signature")


def _single(name: str, values: list[str]) -> str:
    """The value of a header that may stand only once, be it ever so harmless twice."""
    if len(values) > 1:
        raise Rejected("repeated-header", f"{name} is present {len(values)} times")
    value = values[0]
    if len(value) > MAX_HEADER:
        raise Rejected("malformed-header", f"{name} is longer than {MAX_HEADER} characters")
    if not value.isascii() or not value.isprintable():
        raise Rejected("malformed-header", f"{name} holds control characters or is not ASCII")
    if not value:
        raise Rejected("malformed-header", f"{name} is empty")
    return value


def _signed(mac: bytes, presented: Presented) -> bool:
    """Whether a signature presented is this MAC. On its own, so that no frame in which anything can fail holds a right MAC."""
    for text, encodings in presented.signatures:
        for encoding in encodings:
            if same(encoding.encode(mac), text):
                return True
    return False


def _unfit(presented: Presented, credential: Credential | None, now: float) -> str:
    """Why that credential cannot have signed this request, for the operator; empty when it can."""
    if credential is None:
        return "credential-unknown"
    if not credential.valid_at(now):
        return "credential-not-valid-now"
    if presented.keyid is not None and credential.keyid != presented.keyid:
        return "credential-of-another-keyid"
    if presented.token is not None and credential.has_token and not credential.token_is(presented.token):
        return "token-mismatch"
    return ""


def _digest(base: SignatureBase) -> str:
    digest = hashlib.sha256()
    for piece in base:
        digest.update(piece)
    return digest.hexdigest()
