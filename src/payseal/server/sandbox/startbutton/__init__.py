"""Startbutton, as the sandbox answers it."""

from __future__ import annotations

import uuid
from dataclasses import replace

from payseal.credentials import Credential
from payseal.request import Request
from payseal.server.accounts.unsigned import TokenAlone
from payseal.server.sandbox.faults.misled import MisledAccountVerifier, skewed
from payseal.server.sandbox.provider import Backing, Mount
from payseal.server.sandbox.startbutton.routes import READS, SIGNED, application
from payseal.server.sandbox.startbutton.worker import running
from payseal.verification import Authenticated, Presented

__all__ = ["mounts", "running"]


def mounts(backing: Backing) -> list[Mount]:
    """Where it answers: first the paths that only read, before the one that holds one of them."""
    app = application(backing)
    # The merchant is named by its token here, always: the catalogue leaves that open for those who only have a signKey.
    named_by_token = {"Authorization": "Bearer {token}"}
    scheme, directory, clock = "startbutton-transfer", backing.directory, skewed(backing.clock)
    transfers = MisledAccountVerifier(directory, scheme, clock=clock, headers=named_by_token)
    reads = _Reads(directory, scheme, clock=clock, headers=named_by_token)
    by_token = TokenAlone(reads, None, clock=clock)
    switched = TokenAlone(transfers, "require_signed_transfers", clock=clock)
    return [
        *(Mount("startbutton", path, app, reads, idempotent=False, unsigned=by_token) for path in READS),
        Mount("startbutton", SIGNED, app, transfers, idempotent=False, unsigned=switched),
    ]


class _Reads(MisledAccountVerifier):
    """For requests that change nothing: a signature need not be there, and one that is there must be right.

    Whoever polls signs the same empty body many times a minute, so that such a signature is not used up: each request is the first.
    """

    def check(self, request: Request, presented: Presented, credential: Credential | None, *, now: float | None = None) -> Authenticated:
        """As `AccountVerifier.check`."""
        return replace(super().check(request, presented, credential, now=now), id=str(uuid.uuid4()))
