"""Accounts: who there is, what is switched on, where requests may come from."""

from __future__ import annotations

from collections import Counter

from starlette.responses import Response

from payseal.errors import PaysealError
from payseal.schemes import catalogue_names, scheme
from payseal.server.accounts import SWITCHES
from payseal.server.console.door import Page
from payseal.server.console.visit import Visit

__all__ = ["PAGES", "account_page"]


def _list(visit: Visit, problem: str = "", status: int = 200) -> Response:
    if not visit.operator:
        return visit.back_to(f"/console/accounts/{visit.user.account}")
    now = visit.services.clock()
    active = Counter(key.account for key in visit.services.credentials.list() if key.state(now) in ("active", "rotating"))
    accounts = visit.services.accounts.list()
    return visit.page(
        "accounts.html", status, accounts=accounts, active=active, problem=problem, form=visit.form, said=visit.query.get("said", "")
    )


def _create(visit: Visit) -> Response:
    name = visit.form.get("id", "").strip()
    try:
        visit.services.accounts.create(name, visit.form.get("title", "").strip(), actor=visit.actor)
    except PaysealError as error:
        return _list(visit, f"{error}", 400)
    return visit.back_to(f"/console/accounts/{name}", "account-created")


def account_page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    """An account with its switches, its networks and its keys. Raises `Missing` for one that the visitor may not see."""
    account = visit.services.accounts.get(visit.require_account(visit.parameters["id"]))
    keys = visit.services.credentials.list(account.id)
    return visit.page(
        "account.html",
        status,
        account=account,
        keys=sorted(keys, key=lambda key: (key.revoked is not None, -key.created)),
        now=visit.services.clock(),
        switches=SWITCHES,
        schemes=_issuable(),
        problem=problem,
        said=visit.query.get("said", ""),
    )


def _issuable() -> list[tuple[str, str]]:
    """The schemes that an account is given a key for here: those whose requests say whose they are, and that have a key. The rest is for
    the command line, which asks twice."""
    named = ((name, scheme(name)) for name in catalogue_names())
    return [(name, rules.title) for name, rules in named if rules.names != "nobody" and rules.keyed]


def _switch(visit: Visit) -> Response:
    account = visit.require_account(visit.parameters["id"])
    visit.services.accounts.switch(account, visit.form.get("name", ""), visit.form.get("value") == "on", actor=visit.actor)
    return visit.back_to(f"/console/accounts/{account}", "switched")


def _allow(visit: Visit) -> Response:
    account = visit.require_account(visit.parameters["id"])
    try:
        visit.services.accounts.allow_ip(account, visit.form.get("cidr", ""), actor=visit.actor)
    except PaysealError as error:
        return account_page(visit, f"{error}", 400)
    return visit.back_to(f"/console/accounts/{account}", "network-added")


def _disallow(visit: Visit) -> Response:
    account = visit.require_account(visit.parameters["id"])
    visit.services.accounts.remove_ip(account, visit.form.get("cidr", ""), actor=visit.actor)
    return visit.back_to(f"/console/accounts/{account}", "network-removed")


def _disable(visit: Visit) -> Response:
    account, disabled = visit.require_account(visit.parameters["id"]), visit.form.get("value") == "on"
    if disabled and visit.form.get("sure") != "on":
        return account_page(visit, "To disable an account, say that you want to.", 400)
    visit.services.accounts.set_disabled(account, disabled, actor=visit.actor)
    return visit.back_to(f"/console/accounts/{account}", "account-disabled" if disabled else "account-enabled")


PAGES = [
    Page("/console/accounts", "user", get=_list),
    Page("/console/accounts/create", "operator", post=_create),
    Page("/console/accounts/{id}", "user", get=account_page),
    Page("/console/accounts/{id}/switch", "user", post=_switch),
    Page("/console/accounts/{id}/networks/add", "user", post=_allow),
    Page("/console/accounts/{id}/networks/remove", "user", post=_disallow),
    Page("/console/accounts/{id}/disabled", "operator", post=_disable),
]
