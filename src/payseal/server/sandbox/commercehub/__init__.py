"""Commerce Hub, as the sandbox answers it."""

from __future__ import annotations

import asyncio
from typing import Any

from payseal.credentials import Credential
from payseal.schemes import scheme
from payseal.server.sandbox.commercehub.routes import CAPTURE, PREFIXES, application, find_session_credential
from payseal.server.sandbox.faults.misled import MisledAccountVerifier, MisledVerifier
from payseal.server.sandbox.provider import Backing, Mount
from payseal.verification import Presented

__all__ = ["mounts"]


def mounts(backing: Backing) -> list[Mount]:
    """Where it answers: one path that is authenticated with an access token, before those that hold it."""

    async def session_credential(presented: Presented) -> Credential | None:
        found = await asyncio.to_thread(find_session_credential, backing, presented)
        # A session ends with the credential that began it.
        return found if found is not None and backing.directory.by_keyid(found.keyid or "") is not None else None

    app = application(backing)
    lookup: Any = session_credential  # async, as the middleware takes it
    digest = MisledVerifier(scheme("commercehub-digest"), lookup, clock=backing.clock)
    signed = MisledAccountVerifier(backing.directory, "commercehub-hmac", clock=backing.clock)
    return [
        Mount("commercehub", CAPTURE, app, digest, idempotent=True),
        *(Mount("commercehub", prefix, app, signed, idempotent=True) for prefix in PREFIXES),
    ]
