"""`payseal.explain`: from a refused request to the reasons, the proven ones first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from payseal.credentials import Credential
from payseal.request import Request
from payseal.schemes import Scheme

if TYPE_CHECKING:
    from payseal.explain.causes import Explanation

__all__ = ["explain"]


def explain(
    request: Request,
    scheme: Scheme,
    credential: Credential | None,
    *,
    now: float | None = None,
    budget: float = 0.5,
    others: Iterable[Credential] = (),
    replayed: bool = False,
    state: Literal["active", "revoked"] = "active",
    clock: Callable[[], float] = time.perf_counter,
) -> Explanation:
    """Why a signature did not match: for the owner of the key and the operator, never for a stranger.

    ``request`` is as it arrived, ``credential`` the one it names (``None`` where there is none). ``now`` is the verifier's time in seconds
    since the epoch, by default this machine's; ``budget`` how long the search may take (seconds). ``others`` are further credentials of
    whoever asks, one of which may have been used by mistake. ``replayed`` is whether the ledger knew the id, ``state`` the credential's, be it there still or not.
    Whatever the request holds, nothing is raised for it.
    """
    from payseal.explain.explanation import explained  # here, because signing and verifying never need it

    return explained(
        request,
        scheme,
        credential,
        now=time.time() if now is None else now,
        budget=budget,
        others=tuple(others),
        replayed=replayed,
        state=state,
        clock=clock,
    )
