"""What the ASGI and the WSGI middleware share: their settings and every decision, none of the waiting.

The order is fixed: parse → credential → MAC → window → ledger claim → handler → complete or release. An id is claimed only for a
request that is proven, so that nobody can burn another's.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, TypedDict

from payseal.errors import Rejected
from payseal.ledger.grouping import GroupedLedger
from payseal.ledger.protocol import Answer, Claim, Ledger, Outcome
from payseal.ledger.rules import check_durations
from payseal.middleware import report
from payseal.middleware.decision import Decision, Witnessed
from payseal.middleware.problem import Refused, Renderer, new_trace, problem
from payseal.middleware.sealing import Sealer, opened, sealed
from payseal.request import Request
from payseal.schemes.headers import HeaderRule
from payseal.verification import Authenticated, Presented, Verifier

__all__ = ["REPLAYED", "Guard", "Options", "Seen", "content_length", "succeeded"]

#: The header that marks an answer given again.
REPLAYED: Final = (b"idempotent-replayed", b"true")

#: Seconds that a replay id outlives its window: servers that share a ledger do not agree on the time to the second.
_MARGIN: Final = 60.0

#: Looked up once: an enumeration's members are found by a search.
_FRESH: Final = Outcome.FRESH
_REFUSED: Final = {
    Outcome.IN_FLIGHT: "in-flight",
    Outcome.UNKNOWN: "outcome-unknown",
    Outcome.MISMATCH: "id-reused",
    Outcome.DONE: "replayed",
}


class Options(TypedDict, total=False):
    """What can be set on either middleware, by keyword; `Guard` says what each is, and its default."""

    max_body: int
    idempotent: bool | Callable[[Request], bool]
    answer_ttl: float
    max_answer: int
    lease: float
    replay_ttl: float
    redo: bool
    sealer: Sealer | None
    render: Renderer
    on_decision: Callable[[Decision], object] | None
    witness: Callable[[Witnessed], object] | None
    admit: Callable[[Authenticated, str | None], bool] | None
    unsigned: Callable[[Request], Authenticated | None] | None


class Seen:
    """What is known of one request while it is being decided. ``began`` is of ``time.perf_counter()``; ``client`` the peer's address.

    One is made for every request, so it is a plain class: what is not known yet is not set yet.
    """

    request: Request | None = None
    presented: Presented | None = None
    authenticated: Authenticated | None = None
    _trace = ""

    def __init__(self, client: str | None) -> None:
        self.client = client
        self.began = time.perf_counter()

    @property
    def trace(self) -> str:
        """A UUID made for this decision, once somebody asks for it."""
        if not self._trace:
            self._trace = new_trace()
        return self._trace


@dataclass(frozen=True, slots=True)
class Guard:
    """Settings, checked. Raises `ValueError` for one that would protect nothing."""

    verifier: Verifier
    ledger: Ledger
    #: The largest body (bytes) that is read; it is held in memory, since nothing may act on it before the MAC is checked.
    max_body: int = 1_048_576
    #: Whether a repeated request is given the first answer again (else 409), for all requests or by request.
    idempotent: bool | Callable[[Request], bool] = False
    #: How long (seconds) an idempotent request's id and answer are kept.
    answer_ttl: float = 86_400.0
    #: The largest answer (bytes of body) that is kept to be given again. A larger or streamed one is sent all the same, and its
    #: id is marked as used: the request again is 409.
    max_answer: int = 1_048_576
    #: How long (seconds) a handler may take. After that a claim counts as abandoned: another request with its id is told 409
    #: outcome-unknown, or, with ``redo``, runs the handler again.
    lease: float = 60.0
    #: How long (seconds) an id is remembered where the scheme has no time, so that no window ends its life.
    replay_ttl: float = 86_400.0
    #: Whether an abandoned request may be run again. Only for handlers that are safe to run twice.
    redo: bool = False
    #: Seals the answers that are kept, where a ledger's files must not be readable; ``None``: they are kept as they are.
    sealer: Sealer | None = None
    #: Words a refusal: `problem`, `provider_refusal`, or a function of one's own.
    render: Renderer = problem
    #: Is told every decision. It must not wait; what it raises is logged and changes nothing.
    on_decision: Callable[[Decision], object] | None = None
    #: Is told every decision together with the request itself; must not wait either. For a sandbox, say: what it keeps of bodies and
    #: tokens is its own affair.
    witness: Callable[[Witnessed], object] | None = None
    #: Whether a proven request may come from its address (as the server gives it). If not: 403, and no id is claimed.
    admit: Callable[[Authenticated, str | None], bool] | None = None
    #: Who sent a request that has *no* signature header at all, where that is taken; ``None``: it is refused like any other without
    #: one. Whoever gives this authenticates the sender by other means, and chooses the ``id`` that is used once. A signature that is
    #: there, be it empty or wrong, never gets here.
    unsigned: Callable[[Request], Authenticated | None] | None = None
    #: How many digits ``max_body`` has: a number of fewer digits is less.
    digits: int = field(init=False, repr=False, compare=False)
    #: How long (seconds) an id must be remembered so that its request cannot come again: of a request whose answer is not kept, and of one
    #: whose answer is. The window's whole width, from the furthest future it accepts to the last moment of its past, holds for any request
    #: in it and needs no clock. Where answers are kept a claim lives as long as they do: one whose outcome nobody knows must not turn into a
    #: second payment when the window has passed, since the same id may be signed again with a new time.
    ttls: tuple[float, float] = field(init=False, repr=False, compare=False)
    #: Whether anybody is told of decisions.
    telling: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("max_body", "max_answer"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int) or getattr(self, name) < 0:
                raise ValueError(f"{name} must be a number of bytes")
        for name in ("answer_ttl", "lease", "replay_ttl"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be a number of seconds above 0")
            check_durations(getattr(self, name), self.lease)
        window = self.verifier.scheme.created
        ttl = self.replay_ttl if window is None else (window.last_moment(0) + window.future) / 1000 + _MARGIN
        object.__setattr__(self, "digits", len(str(self.max_body)))
        object.__setattr__(self, "telling", self.on_decision is not None or self.witness is not None)
        object.__setattr__(self, "ttls", (max(ttl, self.lease), max(ttl, self.lease, self.answer_ttl)))

    def unsigned_sender(self, request: Request) -> Authenticated | None:
        """The proven sender of a request without a signature header; ``None`` for every other, which is to be verified."""
        if self.unsigned is None or any(request.values(rule.key) for rule in self.verifier.scheme.headers if _carries_signature(rule)):
            return None
        return self.unsigned(request)

    def verified(self, request: Request, seen: Seen) -> Authenticated:
        """The proof. Raises `Rejected`."""
        if self.verifier.at_once:
            return self.verifier.verify(request)
        seen.presented = presented = self.verifier.read(request)
        return self.verifier.check(request, presented, self.verifier.find(presented))

    def require_admitted(self, authenticated: Authenticated, client: str | None) -> None:
        """Raises `Rejected` when this sender's requests are not taken from that address."""
        if self.admit is not None and not self.admit(authenticated, client):
            raise Rejected("address-not-allowed")

    def tell(self, code: str, status: int | None, seen: Seen, rejected: Rejected | None = None) -> None:
        """Tell what was decided. Never raises."""
        if not self.telling:
            return
        said = seen.authenticated or seen.presented
        keyid, nonce = (said.keyid, said.nonce) if said is not None else (None, None)
        account = seen.authenticated.account if seen.authenticated is not None else None
        latency = time.perf_counter() - seen.began
        try:
            decision = Decision(code, status, self.verifier.scheme.name, account, keyid, nonce, seen.client, latency, seen.trace)
            if self.on_decision is not None:
                self.on_decision(decision)
            if self.witness is not None:
                self.witness(Witnessed(decision, seen.request, rejected.diagnosis if rejected is not None else ""))
        except Exception as error:  # noqa: BLE001 - whatever a recorder raises
            report.unrecorded(error)

    def keeps(self, request: Request) -> bool:
        """Whether this request's answer is kept and given again."""
        return bool(self.idempotent(request)) if callable(self.idempotent) else self.idempotent

    def answer_again(self, claim: Claim, *, keep: bool) -> Answer | None:
        """What the claim means: ``None`` to go on to the handler, or the answer to give again. Raises `Rejected`."""
        if claim.outcome is _FRESH:
            return None
        if claim.outcome is Outcome.DONE and keep:
            if claim.answer is None:
                raise Rejected("replayed", "This request was carried out; its answer was not kept")
            answer = claim.answer if self.sealer is None else opened(claim.answer, claim, self.sealer)
            return Answer(answer.status, (*answer.headers, REPLAYED), answer.body)
        raise Rejected(_REFUSED[claim.outcome])

    def _kept(self, answer: Answer | None, claim: Claim) -> Answer | None:
        return answer if answer is None or self.sealer is None else sealed(answer, claim, self.sealer)

    def settle(self, claim: Claim, status: int | None, answer: Answer | None = None, *, keep: bool) -> None:
        """Tell the ledger how it ended; may wait where the ledger does. Never raises: the work is done, and its answer is due."""
        try:
            if succeeded(status):
                kept = None if answer is None else self._kept(answer, claim)
                held = claim.ledger.complete(claim, kept, ttl=self.answer_ttl if keep else None)
            else:
                held = claim.ledger.release(claim)
        except Exception as error:  # noqa: BLE001 - whatever a backend raises
            report.unsettled(status, error)
        else:
            if not held:
                report.lost(status)

    def settle_soon(
        self, ledger: GroupedLedger, claim: Claim, status: int | None, answer: Answer | None = None, *, keep: bool
    ) -> Future[bool]:
        """`settle` for whoever waits in their own way: it is told and reported whether anybody waits or not. The future never fails."""
        told: Future[bool] = Future()

        def report_it(future: Future[bool]) -> None:
            error = future.exception()
            if error is not None:
                report.unsettled(status, error)
            elif not future.result():
                report.lost(status)
            told.set_result(error is None and future.result())

        try:
            ttl = self.answer_ttl if keep else None
            future = ledger.complete_soon(claim, self._kept(answer, claim), ttl=ttl) if succeeded(status) else ledger.release_soon(claim)
        except Exception as error:  # noqa: BLE001 - whatever a backend raises
            report.unsettled(status, error)
            told.set_result(False)
        else:
            future.add_done_callback(report_it)
        return told

    def refused(self, rejected: Rejected, seen: Seen) -> Refused:
        """All that the answer may say; tells the decision, and writes the one line in the log."""
        if self.verifier.at_once and seen.request is not None and seen.authenticated is None:
            with contextlib.suppress(Rejected):
                seen.presented = self.verifier.read(seen.request)
        self.tell(rejected.code, rejected.status, seen, rejected)
        report.refused(rejected, self.verifier.scheme.name, seen.trace)
        shown = Rejected(rejected.code, rejected.detail)
        nonce = seen.presented.nonce if seen.presented is not None else None
        return Refused(shown, self.verifier.scheme, seen.trace, nonce or "", seen.request)

    def refuse(self, rejected: Rejected, seen: Seen) -> Answer:
        """The answer that refuses the request."""
        refused = self.refused(rejected, seen)
        try:
            answer = self.render(refused)
            if not isinstance(answer, Answer):
                if inspect.iscoroutine(answer):
                    answer.close()
                raise TypeError("an async renderer is for the ASGI middleware")
        except Exception as error:  # noqa: BLE001 - whatever a renderer raises
            report.failed("wording a refusal", error)
            return problem(refused)
        return answer

    async def refuse_async(self, rejected: Rejected, seen: Seen) -> Answer:
        """`refuse`, where a renderer may be an async function."""
        refused = self.refused(rejected, seen)
        try:
            answer = self.render(refused)
            return answer if isinstance(answer, Answer) else await answer
        except Exception as error:  # noqa: BLE001 - whatever a renderer raises
            report.failed("wording a refusal", error)
            return problem(refused)


def succeeded(status: int | None) -> bool:
    """Whether an answer with this status means that the work was done. ``None``: there was no answer.

    A 5xx or an exception frees the id, so that an honest retry is not called a replay. A 4xx is an answer like any other.
    """
    return status is not None and status < 500


def _carries_signature(rule: HeaderRule) -> bool:
    return any(component.name == "signature" for component in rule.components)


def content_length(values: list[str], max_body: int) -> int | None:
    """The length that a request declares for its body, or ``None``. Raises `Rejected` when it is none, or more than ``max_body``."""
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not (text.isascii() and text.isdigit()):
        raise Rejected("malformed-header", "Content-Length is not one number")
    # Compared by its digits first: int() refuses to read thousands of them.
    if len(text) > 18 and len(text := text.lstrip("0") or "0") > 18:
        raise Rejected("body-too-large", f"The body may have up to {max_body} bytes")
    length = int(text)
    if length > max_body:
        raise Rejected("body-too-large", f"The body may have up to {max_body} bytes")
    return length
