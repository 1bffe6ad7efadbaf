"""One request with what may be shown of it: tokens, secrets, card numbers and security codes are hidden when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from payseal.credentials import Credential
from payseal.explain.causes import Explanation
from payseal.explain.compared import compared
from payseal.explain.masking import Masking, masked
from payseal.explain.reading import read_leniently
from payseal.middleware import Decision, Witnessed
from payseal.request import leading_bytes
from payseal.schemes import Scheme
from payseal.server.base_parts import Parts, parts_of
from payseal.server.sightings.hiding import Hiding, without_tokens

__all__ = ["Sighting", "explained", "shown_explanation", "sighted"]

#: Bytes of a body that are kept, and bytes beyond them that are looked at: a card number may stand across the end.
_KEPT: Final = 8_192
_BEYOND: Final = 256
#: Headers, and characters of each and of the target, that are kept.
_HEADERS: Final = 100
_VALUE: Final = 1_024
_TARGET: Final = 2_048
#: What a sighting takes beside its texts (bytes).
_OVERHEAD: Final = 2_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request and what was decided about it. Times are seconds since the epoch."""

    decision: Decision
    #: The account that may look at it: the proven one, or the owner of the key that the request names; ``None``: the operator alone.
    account: str | None
    at: float
    diagnosis: str
    scheme: Scheme
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    #: The signature base from the request as it arrived: each part with the template's word for it. Empty where too much is missing.
    base: Parts = field(repr=False)
    #: How many bytes of the base are not kept: the rest of a long body.
    missing: int
    #: The signer's time as it was sent; ``None`` where it was not, or is no time.
    created: str | None
    #: Why it was refused. Without its two bases: where they part stands in ``differences``, as lines to show.
    explanation: Explanation | None = None
    differences: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        texts = [self.method, self.target, self.diagnosis, *self.differences, *(text for pair in self.headers for text in pair)]
        return _OVERHEAD + sum(len(text) for text in texts) + sum(len(text) for _, text in self.base)


def sighted(seen: Witnessed, scheme: Scheme, credential: Credential | None, at: float) -> Sighting | None:
    """What may be shown of a request; ``None`` where it was not read to its end. ``scheme`` and ``credential`` are those it names."""
    request = seen.request
    if request is None:
        return None
    hide = Hiding(scheme, credential, at)
    values = read_leniently(request, scheme, credential).values
    created = values.get("created")
    length = sum(len(piece) for piece in request.pieces())
    parts = hide.base(parts_of(scheme, request, _shown(values, scheme), leading_bytes(request, _KEPT + _BEYOND)))
    return Sighting(
        decision=seen.decision,
        account=seen.decision.account or (credential.account if credential is not None else None),
        at=at,
        diagnosis=seen.diagnosis,
        scheme=scheme,
        method=hide.text(request.method)[:32],
        target=hide.target(request.target[: 2 * _TARGET])[:_TARGET],
        headers=tuple(
            (hide.text(name[: 2 * _VALUE])[:128], hide.header(name, value[: 8 * _VALUE])[:_VALUE])
            for name, value in request.headers[:_HEADERS]
        ),
        base=tuple((label, text[:_KEPT] if label == "body" else text) for label, text in parts),
        missing=max(0, length - _KEPT) if any(label == "body" for label, _ in parts) else 0,
        created=created if created is not None and hide.is_time(created) else None,
    )


def explained(sighting: Sighting, explanation: Explanation) -> Sighting:
    """The sighting with the reasons for its refusal. Takes as long as comparing two bodies does."""
    differences: list[str] = []
    if explanation.signed_base:
        mask = Masking(time=sighting.created or "")
        differences = compared(explanation.signature_base, explanation.signed_base, lambda base: without_tokens(mask(base)))
    return replace(sighting, explanation=shown_explanation(explanation), differences=tuple(differences))


def shown_explanation(explanation: Explanation) -> Explanation:
    """The explanation without the request's body, and with what its sentences repeat of the request masked."""
    causes = tuple(replace(each, summary=_hidden(each.summary), fix=_hidden(each.fix)) for each in explanation.causes)
    checks = tuple(replace(each, detail=_hidden(each.detail)) for each in explanation.checks)
    return replace(explanation, causes=causes, checks=checks, signature_base=b"", signed_base=b"")


def _hidden(text: str) -> str:
    return masked(without_tokens(text.encode("utf-8", "replace"))).decode("utf-8", "replace")


def _shown(read: dict[str, str], scheme: Scheme) -> dict[str, str]:
    """The texts that stand in the base: a token never, and of a time that is not sent only that it stands there."""
    values = {**read, "token": "<hidden>"}
    if scheme.created is not None and not scheme.created_sent:
        values.setdefault("created", "<minute>")
    return values
