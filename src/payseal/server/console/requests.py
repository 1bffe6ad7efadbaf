"""Requests: the decisions as a list, and each request on a page of its own, with its signature base, its time and why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from payseal.errors import REJECTIONS
from payseal.middleware.decision import ACCEPTED, ANSWERED_AGAIN
from payseal.schemes import catalogue_names
from payseal.server.accounts.decided import Chosen, by_trace, latest
from payseal.server.console.bases import Base, base_of
from payseal.server.console.door import Page
from payseal.server.console.rows import rows_of
from payseal.server.console.services import Services
from payseal.server.console.timeline import Timeline, timeline_of
from payseal.server.console.visit import Missing, Visit
from payseal.server.sightings import Sighting

__all__ = ["PAGES", "chosen_for", "meaning_of"]

_SIZES: Final = (100, 1_000, 10_000)

#: What is said of the ledger, by the code of the decision.
_LEDGER: Final = {
    ACCEPTED: "The id was there for the first time: it was claimed for this request.",
    ANSWERED_AGAIN: "The id was used, by this very request: its first answer was given again.",
    "replayed": "The id was used before: the request is a repetition.",
    "in-flight": "The id is in use by a request that is still being worked on.",
    "outcome-unknown": "The id was claimed by a request of which nobody knows how it ended.",
    "id-reused": "The id was used before, by another request.",
    "unavailable": "The ledger, or another part that has to be asked, did not answer: in doubt a request is refused.",
}
_NOT_ASKED: Final = "It was not asked: a request that is refused uses up no id."


def meaning_of(code: str) -> str:
    """What a decision's code means."""
    if code == ACCEPTED:
        return "Genuine, fresh, and here for the first time"
    if code == ANSWERED_AGAIN:
        return "A repetition: the first answer was given again"
    return REJECTIONS[code][1] if code in REJECTIONS else code


def chosen_for(services: Services, own: str | None, query: Mapping[str, str]) -> Chosen:
    """The decisions that are asked for, of those that may be seen: an account's ``own``, or with ``None`` all."""
    account = own if own is not None else query.get("account") or None
    keyids = [key.keyid for key in services.credentials.list(account)] if account is not None else ()
    code = query.get("code") or None
    return Chosen(account, keyids, query.get("scheme") or None, None if code == "refused" else code, refused=code == "refused")


def _list(visit: Visit) -> Response:
    size = next((size for size in _SIZES if str(size) == visit.query.get("size")), _SIZES[0])
    before = visit.query.get("before", "")
    start = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    rows = latest(visit.services.database, chosen_for(visit.services, visit.account, visit.query), before=start, limit=size)
    asked = {name: visit.query.get(name, "") for name in ("account", "scheme", "code") if visit.operator or name != "account"}
    return visit.page(
        "requests.html",
        rows=rows_of(rows),
        older=rows[-1]["id"] if len(rows) == size else None,
        newest=start is None,
        size=size,
        sizes=_SIZES,
        asked=asked,
        filters=urlencode({name: value for name, value in asked.items() if value}),
        accounts=[account.id for account in visit.services.accounts.list()] if visit.operator else [],
        schemes=catalogue_names(),
        codes=(ACCEPTED, ANSWERED_AGAIN, *REJECTIONS),
        last=rows[0]["id"] if rows and start is None else 0,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A request's page."""

    sighting: Sighting
    base: Base | None
    timeline: Timeline | None
    differences: tuple[str, ...]
    ledger: str
    meaning: str


def _one(visit: Visit) -> Response:
    trace = visit.parameters["trace"]
    sighting = visit.services.sightings.find(trace)
    row = by_trace(visit.services.database, trace)
    mine = {key.keyid for key in visit.services.credentials.list(visit.account)} if visit.account is not None else set()
    if visit.account is not None:
        if sighting is not None and sighting.account != visit.account:
            sighting = None
        if row is not None and row["account"] != visit.account and not (row["account"] is None and row["keyid"] in mine):
            row = None
    if sighting is None and row is None:
        raise Missing("there is no such request, or it was too long ago")
    shown = _shown(sighting) if sighting is not None else None
    return visit.page("request.html", shown=shown, row=row, trace=trace, meaning=meaning_of(row["code"] if row else ""), open=False)


def _open(visit: Visit) -> Response:
    """For whoever was given the link with a refusal: its trace cannot be guessed. Without the operator's diagnosis."""
    sighting = visit.services.sightings.find(visit.parameters["trace"])
    if sighting is None or not visit.services.open_explanations:
        raise Missing("there is no such explanation any more: the last thousand requests are kept, in memory")
    return visit.page("request.html", shown=_shown(sighting), row=None, trace=sighting.decision.trace, meaning="", open=True)


def _shown(sighting: Sighting) -> _Shown:
    code = sighting.decision.code
    return _Shown(sighting, base_of(sighting), timeline_of(sighting), sighting.differences, _LEDGER.get(code, _NOT_ASKED), meaning_of(code))


PAGES = [
    Page("/console/requests", "user", get=_list),
    Page("/console/requests/{trace}", "user", get=_one),
    Page("/explanations/{trace}", "anyone", get=_open),
]
