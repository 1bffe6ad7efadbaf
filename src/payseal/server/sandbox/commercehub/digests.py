"""A card capture's two readings of ``Message-Digest``: keyed with the access token, and plain SHA-256, which has no key.

A request has one of them: 44 characters of Base64 are a MAC, 64 of hex are a plain digest. The plain one shows that nothing was damaged on
the way, and its sender is whoever holds the access token beside it; it is taken for the sessions of an account that has turned on
``accept_unkeyed_digests``. For every other it is worked out just as well, and refused as a wrong signature is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from payseal.credentials import Credential, Identity
from payseal.errors import Rejected
from payseal.request import Request
from payseal.schemes import Scheme, scheme
from payseal.verification import Authenticated, Presented, Verifier

__all__ = ["SWITCH", "DigestVerifier"]

#: The account's switch.
SWITCH: Final = "accept_unkeyed_digests"
_HEADER: Final = "message-digest"


class DigestVerifier(Verifier):
    """A `payseal.Verifier` of ``commercehub-digest`` that also takes ``commercehub-digest-sha256`` where the account does.

    ``find`` is given what a request presents and returns the session's credential, or ``None``; it may wait for a database, and `owner`
    asks it in the calling thread. ``lookup`` is the same for the middleware, and may be async. ``accepts_unkeyed`` says whether an account
    has its switch on. Both raise `CredentialError` in doubt.
    """

    def __init__(
        self,
        find: Callable[[Identity], Credential | None],
        accepts_unkeyed: Callable[[str], bool],
        *,
        lookup: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(scheme("commercehub-digest"), lookup or find, clock=clock)
        # The access token proves the sender: the credential of a session has it, and `check` compares the two in constant time.
        self._unkeyed = Verifier(scheme("commercehub-digest-sha256"), find, allow_unkeyed=True, clock=clock)
        self._find_now, self._accepts_unkeyed = find, accepts_unkeyed

    def read(self, request: Request) -> Presented:
        """As `Verifier.read`, in the reading that the digest's form has."""
        return self._unkeyed.read(request) if self._is_unkeyed(request) else super().read(request)

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """As `Verifier.check`, in that reading."""
        if not self._is_unkeyed(request):
            return super().check(request, presented, credential, now=now)
        refused = credential is not None and not self._accepts_unkeyed(credential.account)
        try:
            proven = self._unkeyed.check(request, presented, None if refused else credential, now=now)
        except Rejected as rejected:
            if refused:
                rejected.diagnosis = "unkeyed-digest-not-accepted"
            raise
        # One endpoint, one memory of request ids: an id that was used in one reading is used in the other.
        return replace(proven, scheme=self.scheme.name)

    def owner(self, request: Request) -> tuple[Scheme, Credential] | None:
        """The session's credential whose access token the request holds, and the reading that its digest is held against.

        Raises `CredentialError` in doubt.
        """
        try:
            credential = self._find_now(self.read(request))
        except Rejected:
            return None
        if credential is None:
            return None
        unkeyed = self._is_unkeyed(request) and self._accepts_unkeyed(credential.account)
        return (self._unkeyed if unkeyed else self).scheme, credential

    def _is_unkeyed(self, request: Request) -> bool:
        values = request.values(_HEADER)
        return len(values) == 1 and bool(tuple(self._unkeyed.scheme.signature.accepted(len(values[0]))))
