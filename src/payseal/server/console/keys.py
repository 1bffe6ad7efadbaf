"""Keys: made, rotated, given an end, revoked. A secret is on one page, once, and nowhere afterwards."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from payseal.errors import PaysealError
from payseal.schemes import scheme
from payseal.server.accounts import CredentialRecord, IssuedCredential
from payseal.server.console.accounts import account_page
from payseal.server.console.door import Page
from payseal.server.console.visit import Missing, Visit

__all__ = ["PAGES"]

#: How long the old secret still verifies, by the choice in the form (seconds).
_OVERLAPS: Final = {"none": 0.0, "hour": 3_600.0, "day": 86_400.0, "week": 604_800.0}
#: When a key ends, by the choice in the form (days from now).
_ENDS: Final = {"never": None, "30": 30, "90": 90, "365": 365}


def _create(visit: Visit) -> Response:
    account = visit.require_account(visit.parameters["id"])
    form = visit.form
    overrides: dict[str, Any] = {}
    if form.get("unit"):
        overrides["created"] = {"format": form["unit"]}
    name = form.get("scheme", "")
    try:
        issued = visit.services.credentials.create(
            account,
            name,
            actor=visit.actor,
            label=form.get("label", "").strip(),
            overrides=overrides,
            not_after=_end(visit, "never"),
        )
    except PaysealError as error:
        return account_page(visit, f"{error}", 400)
    return _shown(visit, issued, rotated=False)


def _rotate(visit: Visit) -> Response:
    key = _mine(visit)
    overlap = _OVERLAPS.get(visit.form.get("overlap", ""))
    if overlap is None:
        raise PaysealError("choose how long the old secret still verifies")
    issued = visit.services.credentials.rotate(key.keyid, overlap=overlap, actor=visit.actor)
    return _shown(visit, issued, rotated=True)


def _shown(visit: Visit, issued: IssuedCredential, *, rotated: bool) -> Response:
    return visit.page("key.html", issued=issued, rotated=rotated, rules=scheme(issued.scheme))


def _expire(visit: Visit) -> Response:
    key = _mine(visit)
    visit.services.credentials.expire(key.keyid, _end(visit), actor=visit.actor)
    return visit.back_to(f"/console/accounts/{key.account}", "key-expires")


def _revoke(visit: Visit) -> Response:
    key = _mine(visit)
    if visit.form.get("sure") != "on":
        raise PaysealError("revoking cannot be undone: say that you want it")
    visit.services.credentials.revoke(key.keyid, actor=visit.actor)
    return visit.back_to(f"/console/accounts/{key.account}", "key-revoked")


def _end(visit: Visit, otherwise: str = "") -> float | None:
    """The end that the form chooses: seconds since the epoch, or ``None`` for never. Raises `PaysealError` when it chooses none."""
    chosen = visit.form.get("end", otherwise)
    if chosen not in _ENDS:
        raise PaysealError("choose when the key ends")
    days = _ENDS[chosen]
    return None if days is None else visit.services.clock() + days * 86_400.0


def _mine(visit: Visit) -> CredentialRecord:
    """The key, if the visitor may change it. Raises `Missing`."""
    for key in visit.services.credentials.list(visit.account):
        if key.keyid == visit.parameters["keyid"]:
            return key
    raise Missing("there is no such key")


PAGES = [
    Page("/console/accounts/{id}/keys", "user", post=_create),
    Page("/console/keys/{keyid}/rotate", "user", post=_rotate),
    Page("/console/keys/{keyid}/expire", "user", post=_expire),
    Page("/console/keys/{keyid}/revoke", "user", post=_revoke),
]
