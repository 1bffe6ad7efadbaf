"""Startbutton, as the sandbox answers it."""

from __future__ import annotations

from payseal.server.accounts.unsigned import TokenAlone
from payseal.server.sandbox.faults.misled import MisledAccountVerifier
from payseal.server.sandbox.provider import Backing, Mount
from payseal.server.sandbox.startbutton.routes import PREFIXES, application

__all__ = ["mounts"]


def mounts(backing: Backing) -> list[Mount]:
    """Where it answers."""
    app = application(backing)
    # The merchant is named by its token here, always: the catalogue leaves that open for those who only have a signKey.
    named_by_token = {"Authorization": "Bearer {token}"}
    verifier = MisledAccountVerifier(backing.directory, "startbutton-transfer", clock=backing.clock, headers=named_by_token)
    unsigned = TokenAlone(verifier, "require_signed_transfers", clock=backing.clock)
    return [Mount("startbutton", prefix, app, verifier, idempotent=False, unsigned=unsigned) for prefix in PREFIXES]
