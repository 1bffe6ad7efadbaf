"""The ledger: the memory of request ids. Replay protection and idempotency are one thing here.

A request id is claimed before the work, in one atomic step, and the claim is completed or released after it::

    claim = ledger.claim(authenticated.scope, authenticated.id, fingerprint(request), ttl=610)
    match claim.outcome:
        case Outcome.FRESH: ...        # do the work, then claim.complete(answer); where it fails, claim.release()
        case Outcome.IN_FLIGHT: ...    # 409: somebody is doing it just now
        case Outcome.DONE: ...         # claim.answer, again; or 409 where the route is not idempotent
        case Outcome.MISMATCH: ...     # 422: the same id for another request
        case Outcome.UNKNOWN: ...      # 409: it was begun, its lease ran out, nobody knows how it ended

Durations are seconds. Every call raises `LedgerError` when the backend cannot answer, and whoever calls must then refuse.
"""

from __future__ import annotations

import enum
import functools
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from payseal.ledger.stats import Stats
from payseal.records import opened
from payseal.request import Request

__all__ = ["Answer", "Claim", "Ledger", "Outcome", "fingerprint", "fresh"]


class Outcome(enum.Enum):
    """What a claim found."""

    FRESH = "fresh"
    IN_FLIGHT = "in-flight"
    DONE = "done"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is kept and given again, byte for byte. Its ``repr`` shows the status alone."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What `Ledger.claim` found and, when it is FRESH, the right to finish it. ``holder`` is the backend's own: it tells this claim from a later
    one on the same id, so that whoever comes back after its lease cannot overwrite what another has done since."""

    ledger: Ledger = field(repr=False)
    scope: str
    id: str
    outcome: Outcome
    answer: Answer | None = None  # of DONE, where one was kept
    holder: Any = field(default=None, repr=False)

    def complete(self, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        """The work is done. ``answer`` is kept to be given again; ``None`` only marks the id as used. ``ttl`` is how long the id is
        remembered from now, and never less than the claim asked for. ``False`` when the claim was lost to another holder."""
        return self.ledger.complete(self, answer, ttl=ttl)

    def release(self) -> bool:
        """The work failed and left nothing behind: the id is free again. ``False`` when the claim was lost to another holder."""
        return self.ledger.release(self)


_OpenClaim: Final = opened(Claim)
#: Looked up once: an enumeration's members are found by a search.
_FRESH: Final = Outcome.FRESH


def fresh(ledger: Ledger, scope: str, id: str, holder: object) -> Claim:
    """A FRESH claim. One is made for each request, so it is made quickly: see `payseal.records`."""
    made: Any = _OpenClaim()
    made.ledger = ledger
    made.scope = scope
    made.id = id
    made.outcome = _FRESH
    made.answer = None
    made.holder = holder
    made.__class__ = Claim
    claim: Claim = made
    return claim


@runtime_checkable
class Ledger(Protocol):
    """What a backend does. Safe to use from many threads at once; a shared backend also from many processes."""

    #: Whether calls may wait for a disk or a network, so that asynchronous callers must use a thread.
    blocking: bool

    def claim(self, scope: str, id: str, fingerprint: bytes, ttl: float, *, lease: float = 60.0, redo: bool = False) -> Claim:
        """Claim ``id`` within ``scope``. **One atomic step**: of any number of claims at once, exactly one is FRESH.

        ``fingerprint`` tells this request from others (see `fingerprint`). The id is remembered for ``ttl`` seconds from now; a claim
        that is neither completed nor released within ``lease`` seconds counts as abandoned. What is found:

        - nothing, or an entry whose ttl is over → FRESH
        - an entry with another fingerprint → MISMATCH, whatever its state
        - completed → DONE, with the answer that was kept
        - claimed, within its lease → IN_FLIGHT
        - claimed, lease over → UNKNOWN; or FRESH, taken over, when ``redo`` says that this work may safely be done again
        """
        ...

    def complete(self, claim: Claim, answer: Answer | None = None, *, ttl: float | None = None) -> bool:
        """See `Claim.complete`. Only a FRESH claim can be completed; it is done at most once."""
        ...

    def release(self, claim: Claim) -> bool:
        """See `Claim.release`. A completed claim is not released."""
        ...

    def stats(self) -> Stats:
        """How many ids are held, by state. It looks at all of them: for a person or a graph, not for each request."""
        ...

    def close(self) -> None:
        """Let go of connections. Calling it twice is harmless; a later call opens them again."""
        ...


def fingerprint(request: Request) -> bytes:
    """SHA-256 over method, target and body; the first two preceded by their length, so that nothing can be shifted from one to the next."""
    digest = _begun(request.method, request.target).copy()
    body = request.body  # last, so that its end is the end
    if type(body) is bytes:
        digest.update(body)
    else:
        for piece in request.pieces():
            digest.update(piece)
    made: bytes = digest.digest()
    return made


@functools.lru_cache(maxsize=256)
def _begun(method: str, target: str) -> Any:
    """The digest before the body comes. A service has few targets, or few that come often; each is at most as long as a server takes."""
    digest = hashlib.sha256()
    for text in (method, target):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest
