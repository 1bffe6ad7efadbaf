"""The Fiserv Payments API, as the sandbox answers it."""

from __future__ import annotations

from payseal.server.sandbox.faults.misled import MisledAccountVerifier, skewed
from payseal.server.sandbox.fiserv.routes import PREFIXES, application
from payseal.server.sandbox.provider import Backing, Mount

__all__ = ["mounts"]


def mounts(backing: Backing) -> list[Mount]:
    """Where it answers."""
    app = application(backing)
    verifier = MisledAccountVerifier(backing.directory, "fiserv-payments", clock=skewed(backing.clock))
    return [Mount("fiserv", prefix, app, verifier, idempotent=True) for prefix in PREFIXES]
