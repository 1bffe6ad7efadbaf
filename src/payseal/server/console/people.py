"""People: who may use the console, as what."""

from __future__ import annotations

from starlette.responses import Response

from payseal.errors import PaysealError
from payseal.server.console.door import Page
from payseal.server.console.visit import Missing, Visit
from payseal.server.users import User, UserError

__all__ = ["PAGES"]


def _list(visit: Visit, problem: str = "", status: int = 200) -> Response:
    accounts = [account.id for account in visit.services.accounts.list()]
    users = visit.services.users.list()
    return visit.page(
        "people.html", status, users=users, accounts=accounts, problem=problem, form=visit.form, said=visit.query.get("said", "")
    )


def _create(visit: Visit) -> Response:
    name, role = visit.form.get("name", "").strip(), visit.form.get("role", "")
    try:
        user = visit.services.users.create(
            name,
            "operator" if role == "operator" else "merchant",
            None if role == "operator" else visit.form.get("account", ""),
            actor=visit.actor,
        )
    except PaysealError as error:
        return _list(visit, f"{error}", 400)
    return _linked(visit, user.name)


def _link(visit: Visit) -> Response:
    return _linked(visit, _known(visit).name)


def _linked(visit: Visit, name: str) -> Response:
    """Show a link that signs this person in once."""
    user = visit.services.users.get(name)
    token = visit.services.links.issue(user.id, actor=visit.actor)
    return visit.page("person.html", person=user, link=f"{visit.services.address}/console/link#{token}")


def _disable(visit: Visit) -> Response:
    name, disabled = _known(visit).name, visit.form.get("value") == "on"
    if name == visit.user.name:
        return _list(visit, "You cannot disable yourself: another operator can.", 400)
    change = visit.services.users.disable if disabled else visit.services.users.enable
    change(name, actor=visit.actor)
    return visit.back_to("/console/people", "user-disabled" if disabled else "user-enabled")


def _known(visit: Visit) -> User:
    """The person of the path. Raises `Missing`."""
    try:
        return visit.services.users.get(visit.parameters["name"])
    except UserError:
        raise Missing("there is no such person") from None


PAGES = [
    Page("/console/people", "operator", get=_list),
    Page("/console/people/create", "operator", post=_create),
    Page("/console/people/{name}/link", "operator", post=_link),
    Page("/console/people/{name}/disabled", "operator", post=_disable),
]
