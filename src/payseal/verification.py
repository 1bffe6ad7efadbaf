"""Verifier: whether a request is signed by a credential, over exactly these bytes, inside the window.

Two pure steps, so that looking a credential up and remembering its request id stay outside: `Verifier.read` takes the headers apart,
`Verifier.check` proves them. The order is fixed: parse → credential → MAC → time window. Nothing that a client sends makes either of
them raise anything but `Rejected`; nothing they say carries a secret, a MAC or a header's value.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Final

from payseal.authenticated import Authenticated
from payseal.credentials import Credential, Credentials, Lookup, resolver
from payseal.errors import Rejected, SchemeError
from payseal.fastpath import END_OF_TIME, prover
from payseal.mac import PreparedMac, same
from payseal.presented import MAX_HEADER, Presented, quick_reader, read_strictly, single
from payseal.request import Request, leading_bytes
from payseal.schemes import Scheme
from payseal.schemes.base import SignatureBase, Values, request_text
from payseal.schemes.boundaries import LEADING, other_reading
from payseal.schemes.template import Component

__all__ = ["MAX_HEADER", "Authenticated", "Presented", "Verifier"]

#: A request that fails costs at least as many MACs, so that time does not tell an unknown key from a known one, nor a key that is
#: being rotated from one that is not.
_PASSES: Final = 2


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
        self._find = resolver(credentials, names=scheme.names)
        self._clock = clock
        self._covers_token = any(isinstance(part, Component) and part.name == "token" for part in scheme.signature.base.parts)
        algorithm = scheme.signature.algorithm
        # Keys that nobody has, for requests that name no credential of ours.
        self._padding = tuple(PreparedMac(algorithm, os.urandom(32) if algorithm.keyed else None) for _ in range(_PASSES))
        self._nobody = Credential(None, os.urandom(32), os.urandom(32).hex())
        self._read_quickly = quick_reader(scheme)
        fast = prover(scheme, self._padding[0], _by_keyid(credentials), clock)
        self._prove = fast.prove if fast is not None else None
        # Only where no other class finds, reads or checks in its own way.
        own = (type(self).find, type(self).read, type(self).check) == (Verifier.find, Verifier.read, Verifier.check)
        self._verify_whole = fast.prove if fast is not None and fast.reads and own else None
        #: Whether `verify` has a fast path and all that it needs here, so that it waits for nothing.
        self.at_once = self._verify_whole is not None

    def __repr__(self) -> str:
        return f"<Verifier {self.scheme.name!r}>"

    @property
    def find(self) -> Lookup:
        """How a credential is found for what a request presents. It may be set; the fast path is for the credentials that were given."""
        return self._find

    @find.setter
    def find(self, lookup: Lookup) -> None:
        self._find = lookup
        self._verify_whole, self.at_once = None, False

    def verify(self, request: Request, *, now: float | None = None) -> Authenticated:
        """Read, look the credential up, check. ``now`` is seconds since the epoch. Raises `Rejected`."""
        quick = self._verify_whole
        found = None if quick is None else quick(request, now)
        if type(found) is Authenticated:
            return found
        presented = self.read(request)
        credential = self.find(presented)
        if isinstance(found, tuple):
            seconds, computed = found
            return self._check_fully(request, presented, credential, seconds, computed)
        return self.check(request, presented, credential, now=now)

    def read(self, request: Request) -> Presented:
        """What the request's headers say, strictly read. Raises `Rejected` when one is missing, repeated or malformed."""
        if self._read_quickly is not None and (presented := self._read_quickly(request)) is not None:
            return presented
        try:
            return read_strictly(self.scheme, request)
        except Rejected as rejected:
            # Without the frames below: what they hold was sent, a token too, and tracebacks may be logged with their locals.
            raise rejected.with_traceback(None) from None

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """Prove what was presented. ``credential`` is the one that was found for it, or ``None``. Raises `Rejected`.

        An unknown, expired or unfit credential costs the same and gives the same answer as a wrong signature.
        """
        seconds = self._clock() if now is None else now
        computed = 0
        if self._prove is not None:
            found = self._prove(request, seconds, presented, credential)
            if isinstance(found, Authenticated):
                return found
            computed = 0 if found is None else found[1]
        return self._check_fully(request, presented, credential, seconds, computed)

    def _check_fully(
        self, request: Request, presented: Presented, credential: Credential | None, seconds: float, computed: int
    ) -> Authenticated:
        try:
            return self._check(request, presented, credential, seconds, computed)
        except Rejected as rejected:
            raise rejected.with_traceback(None) from None  # as in `read`

    def _check(self, request: Request, presented: Presented, credential: Credential | None, seconds: float, computed: int) -> Authenticated:
        """`check` for any request. ``computed`` MACs were computed already and are known to be wrong."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < END_OF_TIME:
            raise Rejected("unavailable", "this server's clock cannot be trusted", diagnosis="clock-in-doubt")
        milliseconds = int(seconds * 1000)
        # Of an unknown credential the same is asked, so that the time does not tell it; what nobody's answers is thrown away.
        asked = self._nobody if credential is None else credential
        diagnosis = _unfit(presented, asked, seconds)
        if not diagnosis and self._covers_token and not asked.has_token:
            diagnosis = "credential-without-token"  # a token that anyone could lengthen by what follows it in the base
        rule = self.scheme.signature
        macs = asked.macs(rule.algorithm, rule.key)
        if credential is None:
            diagnosis = "credential-unknown"
        if diagnosis or not macs:
            diagnosis, macs = diagnosis or "credential-without-key", ()
        match = self._match(request, presented, macs, milliseconds, computed)
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
        self, request: Request, presented: Presented, macs: tuple[PreparedMac, ...], now: int, computed: int
    ) -> tuple[int, int | None, str | None, SignatureBase] | None:
        """The secret, the time, its text and the base under which a presented signature is right; ``None`` when there are none."""
        padded = macs + self._padding[len(macs) :]
        for created, text in self._times(presented, now):
            base = self._base(request, presented, text)
            for index, mac in enumerate(padded):
                if index >= computed and _signed(mac.digest(base), presented) and index < len(macs):
                    return index, created, text, base
        return None

    def _base(self, request: Request, presented: Presented, text: str | None) -> SignatureBase:
        """The signature base of that request, made at the time of that text."""
        template = self.scheme.signature.base
        if template.leading is not None:
            return SignatureBase([(template.leading(presented.keyid, presented.nonce, text),), request.pieces()])
        values = Values()
        for name, value in (("keyid", presented.keyid), ("token", presented.token), ("nonce", presented.nonce), ("created", text)):
            if value is not None:
                values[name] = value

        def header(name: str) -> str:
            found = request.values(name)
            if not found:
                raise Rejected("missing-header", f"{name} is missing")
            return single(name, found)

        return template.of(values, request, header)

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
            body = leading_bytes(request, LEADING)
            if other_reading(presented.nonce or "", text, body, rule, nonces.grammar, now):
                raise Rejected("ambiguous-base", "where the id, the time and the body begin and end cannot be told from the signature")


def _by_keyid(credentials: Credentials) -> Callable[[str], Credential | None] | None:
    """How a credential is found by nothing but its keyid; ``None`` where finding it may have effects, or takes more."""
    if isinstance(credentials, Credential):
        return lambda keyid: credentials
    return credentials.get if type(credentials) is dict else None


def _signed(mac: bytes, presented: Presented) -> bool:
    """Whether a signature presented is this MAC. On its own, so that no frame in which anything can fail holds a right MAC."""
    for text, encodings in presented.signatures:
        for encoding in encodings:
            if text.isascii() and compare_digest(encoding.encode(mac), text):
                return True
    return False


def _unfit(presented: Presented, credential: Credential, now: float) -> str:
    """Why that credential cannot have signed this request, for the operator; empty when it can."""
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
