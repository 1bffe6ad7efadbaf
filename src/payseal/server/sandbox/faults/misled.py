"""Verifiers that can be misled for one request: about the time, or about the key. What refuses is the verifier itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from payseal.credentials import Credential
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.server.accounts import AccountVerifier
from payseal.verification import Authenticated, Presented, Verifier

__all__ = ["MisledAccountVerifier", "MisledVerifier", "skew", "skewed", "wrong_key"]

#: Seconds that the clock is ahead for this request.
skew: Final[ContextVar[float]] = ContextVar("payseal_sandbox_skew", default=0.0)
#: Whether this request meets another secret than the credential's.
wrong_key: Final[ContextVar[bool]] = ContextVar("payseal_sandbox_wrong_key", default=False)


def skewed(clock: Callable[[], float]) -> Callable[[], float]:
    """That clock, ahead by the request's skew."""
    return lambda: clock() + skew.get()


class MisledVerifier(Verifier):
    """A `Verifier` that a fault can mislead."""

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """As `Verifier.check`."""
        return super().check(request, presented, _other(self.scheme, credential), now=now)


class MisledAccountVerifier(AccountVerifier):
    """An `AccountVerifier` that a fault can mislead."""

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """As `AccountVerifier.check`."""
        return super().check(request, presented, _other(self.scheme, credential), now=now)


def _other(scheme: Scheme, credential: Credential | None) -> Credential | None:
    if credential is None or not wrong_key.get():
        return credential
    # A token that only names the caller stays right: the key alone is another one.
    key, token = secrets.token_urlsafe(32), credential.reveal_token() if credential.has_token else None
    if scheme.signature.key == "token":
        return Credential(credential.keyid, token=key, account=credential.account)
    return Credential(credential.keyid, key, token, account=credential.account)
