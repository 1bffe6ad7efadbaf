"""Commerce Hub, as the sandbox answers it."""

from __future__ import annotations

import asyncio

from payseal.credentials import Credential
from payseal.server.sandbox.commercehub.digests import SWITCH, DigestVerifier
from payseal.server.sandbox.commercehub.routes import CAPTURE, PREFIXES, application
from payseal.server.sandbox.commercehub.sessions import Sessions
from payseal.server.sandbox.faults.misled import MisledAccountVerifier, MisledVerifier, skewed
from payseal.server.sandbox.provider import Backing, Mount
from payseal.verification import Presented

__all__ = ["mounts"]


class _MisledDigestVerifier(MisledVerifier, DigestVerifier):
    """A `DigestVerifier` that a fault can mislead: in both readings, since the other key it is given is another access token too."""


def mounts(backing: Backing) -> list[Mount]:
    """Where it answers: one path that is authenticated with an access token, before those that hold it."""
    sessions = Sessions(backing)

    async def lookup(presented: Presented) -> Credential | None:
        return await asyncio.to_thread(sessions.credential, presented)

    def accepts_unkeyed(account: str) -> bool:
        found = backing.directory.account(account)
        return found is not None and found.switches[SWITCH]

    app = application(backing, sessions)
    digest = _MisledDigestVerifier(sessions.credential, accepts_unkeyed, lookup=lookup, clock=skewed(backing.clock))
    signed = MisledAccountVerifier(backing.directory, "commercehub-hmac", clock=skewed(backing.clock))
    return [
        Mount("commercehub", CAPTURE, app, digest, idempotent=True),
        *(Mount("commercehub", prefix, app, signed, idempotent=True) for prefix in PREFIXES),
    ]
