"""The sandbox's refusals say why: in the provider's own shape, with the first cause and a link to the whole explanation beside it.

Only a sandbox does this. It serves one machine, and whoever sends a request to it has the key in the same folder; a verifier that
strangers can reach answers every one of them alike.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from payseal.credentials import Credential
from payseal.errors import PaysealError
from payseal.explain import Explanation, explain
from payseal.ledger.protocol import Answer
from payseal.middleware import Refused, Witnessed, provider_refusal
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.server.console import EXPLANATIONS
from payseal.server.sandbox.faults.misled import skew, wrong_key
from payseal.server.sandbox.turns import Turns
from payseal.server.sightings import Sightings, shown_explanation, sighted
from payseal.verification import Verifier

__all__ = ["Explaining"]

_logger: Final = logging.getLogger("payseal")

#: Seconds that a search may take while its client waits.
_BUDGET: Final = 0.3
#: Refusals that a search has something to say about.
_EXPLAINED: Final = frozenset({401, 409})
_UNEXPLAINED: Final = "This refusal could not be explained just now; send the request again in a while."

Owner: TypeAlias = tuple[Scheme, Credential]


class Explaining:
    """For one endpoint: ``witness`` and ``render`` of its guard. Its verifier says whose key a request names if it has a method ``owner``,
    as `AccountVerifier` does. ``others`` gives further credentials of an account, which may have been used by mistake; ``revoked`` says whether
    a keyid or a token, under that word, was revoked; ``address`` begins every link; ``turns`` are shared with the other endpoints."""

    def __init__(
        self,
        verifier: Verifier,
        sightings: Sightings,
        others: Callable[[str], tuple[Credential, ...]],
        revoked: Callable[[str, str], bool],
        clock: Callable[[], float],
        address: str,
        turns: Turns,
    ) -> None:
        #: Whose key a request names; a verifier that cannot tell says nobody's.
        self._find: Callable[[Request], Owner | None] = getattr(verifier, "owner", lambda request: None)
        self._named: Callable[[Request], str | None] = getattr(verifier, "named", lambda request: None)
        self._revoked = revoked
        self._verifier, self._sightings, self._others, self._clock, self._address = verifier, sightings, others, clock, address
        self._turns = turns

    def witness(self, seen: Witnessed) -> None:
        """Keep what may be shown of a request."""
        if seen.request is None:
            return
        scheme, credential = self._owner(seen.request)
        sighting = sighted(seen, scheme, credential, self._clock())
        if sighting is not None:
            self._sightings.add(sighting)

    async def render(self, refused: Refused) -> Answer:
        """The provider's own refusal, and why."""
        answer = provider_refusal(refused)
        if refused.request is None or refused.rejected.status not in _EXPLAINED:
            return answer
        more: dict[str, Any] = {"code": refused.rejected.code}
        fault = _fault()
        if fault:
            more["cause"] = {"code": "sandbox-fault", "summary": fault, "fix": "Take the order back: payseal sandbox faults clear"}
        else:
            explanation = await self._explain(refused.request, refused)
            if explanation is None:
                more["unexplained"] = _UNEXPLAINED
            elif explanation.causes:
                first = explanation.causes[0]
                more["cause"] = {"code": first.code, "summary": first.summary, "fix": first.fix, "proven": first.proven}
        more["explanation"] = f"{self._address}{EXPLANATIONS}/{refused.trace}"
        return _with(answer, more)

    def _owner(self, request: Request) -> tuple[Scheme, Credential | None]:
        try:
            return self._find(request) or (self._verifier.scheme, None)
        except PaysealError:
            return self._verifier.scheme, None

    async def _explain(self, request: Request, refused: Refused) -> Explanation | None:
        try:
            return await self._turns.run(lambda: self._found(request, refused))
        except Exception as error:  # noqa: BLE001 - the refusal stands, whatever becomes of its reasons
            _logger.error("a refusal could not be explained: %s", type(error).__name__)
            return None

    def _found(self, request: Request, refused: Refused) -> Explanation:
        scheme, credential = self._owner(request)
        others = self._others(credential.account) if credential is not None else ()
        explanation = explain(
            request,
            scheme,
            credential,
            now=self._clock(),
            budget=_BUDGET,
            others=tuple(other for other in others if other is not credential),
            replayed=refused.rejected.code == "replayed",
            state="revoked" if credential is None and self._was_revoked(request) else "active",
        )
        self._sightings.explain(refused.trace, explanation)
        return shown_explanation(explanation)

    def _was_revoked(self, request: Request) -> bool:
        name = self._named(request)
        return name is not None and self._revoked(self._verifier.scheme.names, name)


def _fault() -> str:
    """What this request met on purpose; empty when nothing."""
    if wrong_key.get():
        return "The sandbox was told to verify this request with another secret."
    if skew.get():
        return f"The sandbox was told to verify this request by a clock that is {skew.get():+g} seconds off."
    return ""


def _with(answer: Answer, more: dict[str, Any]) -> Answer:
    """The answer with one member more in its JSON object."""
    body = json.loads(answer.body)
    body["payseal"] = more
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    headers = tuple((name, str(len(raw)).encode("ascii") if name == b"content-length" else value) for name, value in answer.headers)
    return Answer(answer.status, headers, raw)
