"""Getting in and out: name and password, the one-time link, one's own sessions and password."""

from __future__ import annotations

import math

from starlette.responses import Response

from payseal.server.console.door import Page, set_session
from payseal.server.console.visit import Visit
from payseal.server.users import User, UserError

__all__ = ["PAGES"]

_HOME = "/console"


def _sign_in_form(visit: Visit) -> Response:
    if visit.session is not None:
        return visit.back_to(_next(visit.query.get("next", "")))
    return visit.page("sign-in.html", next=_next(visit.query.get("next", "")), name="", problem="", said=visit.query.get("said", ""))


def _sign_in(visit: Visit) -> Response:
    name, target = visit.form.get("name", ""), _next(visit.form.get("next", ""))

    def again(problem: str, status: int) -> Response:
        return visit.page("sign-in.html", status, next=target, name=name[:64], problem=problem, said="")

    wait = visit.services.throttle.wait(name, visit.client or "")
    if wait > 0:
        response = again(f"Too many tries: wait {math.ceil(wait)} seconds.", 429)
        response.headers["Retry-After"] = str(math.ceil(wait))
        return response
    user = visit.services.users.verify_password(name, visit.form.get("password", ""))
    if user is None:
        visit.services.throttle.failed(name, visit.client or "")
        return again("The name or the password is not right.", 401)
    visit.services.throttle.succeeded(name, visit.client or "")
    return _let_in(visit, user, target)


def _link_form(visit: Visit) -> Response:
    # The token is in the address's fragment, which browsers keep to themselves; a script puts it into the form.
    return visit.page("link.html", problem="")


def _link(visit: Visit) -> Response:
    user = visit.services.links.redeem(visit.form.get("token", ""))
    if user is None:
        return visit.page("link.html", 401, problem="This link was used, or its time is over. Ask for another: payseal users link NAME")
    return _let_in(visit, user, _HOME if user.has_password else "/console/profile")


def _let_in(visit: Visit, user: User, target: str) -> Response:
    if visit.token is not None:  # whoever was signed in here before
        visit.services.sessions.end(visit.token)
    response = visit.back_to(target)
    token = visit.services.sessions.begin(user, client=visit.client, agent=visit.agent)
    set_session(response, token, encrypted=visit.encrypted)
    return response


def _sign_out(visit: Visit) -> Response:
    visit.services.sessions.end(visit.token or "")
    response = visit.back_to("/console/sign-in", "signed-out")
    set_session(response, None, encrypted=visit.encrypted)
    return response


def _profile(visit: Visit, problem: str = "", status: int = 200) -> Response:
    sessions = visit.services.sessions.list(visit.user.id)
    current = visit.session.id if visit.session is not None else 0
    return visit.page("profile.html", status, sessions=sessions, current=current, problem=problem, said=visit.query.get("said", ""))


def _sign_out_everywhere(visit: Visit) -> Response:
    visit.services.sessions.end_all(visit.user.id, keep=visit.token)
    return visit.back_to("/console/profile", "signed-out-everywhere")


def _set_password(visit: Visit) -> Response:
    user, password = visit.user, visit.form.get("password", "")
    if user.has_password:
        # The session may be somebody else's by now: a cookie left on a shared machine is not to become the account.
        wait = visit.services.throttle.wait(user.name, visit.client or "")
        if wait > 0:
            return _profile(visit, f"Too many tries: wait {math.ceil(wait)} seconds.", 429)
        if visit.services.users.verify_password(user.name, visit.form.get("current", "")) is None:
            visit.services.throttle.failed(user.name, visit.client or "")
            return _profile(visit, "The current password is not right.", 400)
        visit.services.throttle.succeeded(user.name, visit.client or "")
    if password != visit.form.get("again", ""):
        return _profile(visit, "The two new passwords are not the same.", 400)
    try:
        visit.services.users.set_password(user.name, password, actor=visit.actor)
    except UserError as error:
        return _profile(visit, f"{error}", 400)
    # Setting it ended every session, this one too.
    response = visit.back_to("/console/profile", "password-set")
    token = visit.services.sessions.begin(user, client=visit.client, agent=visit.agent)
    set_session(response, token, encrypted=visit.encrypted)
    return response


def _next(target: str) -> str:
    """Where to go after sign-in: a page of the console and nowhere else."""
    inside = target == _HOME or target.startswith((f"{_HOME}/", f"{_HOME}?"))
    return target if inside and len(target) < 1000 and target.isprintable() and "\\" not in target and "//" not in target else _HOME


PAGES = [
    Page("/console/sign-in", "anyone", get=_sign_in_form, post=_sign_in),
    Page("/console/link", "anyone", get=_link_form, post=_link),
    Page("/console/sign-out", "user", post=_sign_out),
    Page("/console/profile", "user", get=_profile),
    Page("/console/profile/password", "user", post=_set_password),
    Page("/console/profile/sign-out-everywhere", "user", post=_sign_out_everywhere),
]
