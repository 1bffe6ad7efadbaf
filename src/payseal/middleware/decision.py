"""What was decided about one request, for whoever keeps a record of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from payseal.request import Request

__all__ = ["ACCEPTED", "ANSWERED_AGAIN", "Decision", "Witnessed"]

#: The codes of requests that are not refused; the others are `payseal.errors.REJECTIONS`.
ACCEPTED: Final = "accepted"
ANSWERED_AGAIN: Final = "answered-again"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, made once for each protected request. Without a body, a signature or a token."""

    #: ``accepted``, ``answered-again`` (the kept answer was given), or the code of the rejection.
    code: str
    #: The HTTP status of an answer that the middleware gave itself; ``None`` for ``accepted``, which the application answers.
    status: int | None
    scheme: str
    #: Whose request it is proven to be; ``None`` where nothing was proven.
    account: str | None
    #: Proven where ``account`` is set. Else only what the request said, which may be anything: a client may send a secret in its place.
    keyid: str | None
    #: The request's nonce, proven or not as ``keyid`` is.
    request_id: str | None
    #: The peer's address as the server gives it; ``None`` where it gives none.
    client: str | None
    #: Seconds from the request's arrival to the decision.
    latency: float
    #: A UUID made for this decision; a refusal's answer and log line carry it too.
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A decision with the request it was made about: body, signature, tokens and all. Only for whoever may see them."""

    decision: Decision
    #: ``None`` where it was not read to its end.
    request: Request | None
    #: The operator's diagnosis of a refusal; empty where there is none.
    diagnosis: str = ""

    def __repr__(self) -> str:
        return f"<Witnessed {self.decision.code} {self.decision.trace}>"
