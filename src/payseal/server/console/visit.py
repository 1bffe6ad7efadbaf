"""One request to the console: who asks, and what they sent. Made at the door, so that no page has to look at either again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from payseal.errors import PaysealError
from payseal.server.console.pages import rendered
from payseal.server.console.services import Services
from payseal.server.users import Session, User

__all__ = ["Forbidden", "Missing", "Visit"]


class Missing(PaysealError):
    """There is no such thing, or it is not this visitor's to see: the two are not told apart."""


class Forbidden(PaysealError):
    """The visitor's role does not allow it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose session, cross-site token and form were checked. ``session`` is ``None`` only on the pages before sign-in."""

    services: Services
    method: str
    path: str
    query: Mapping[str, str]
    parameters: Mapping[str, Any]
    form: Mapping[str, str] = field(repr=False)
    session: Session | None
    #: The session's token, to be ended or kept.
    token: str | None = field(repr=False)
    client: str | None
    agent: str
    #: Whether htmx asks, for a part of a page.
    partial: bool
    #: Whether the connection is encrypted.
    encrypted: bool

    @property
    def user(self) -> User:
        """Who asks. Raises `Forbidden` before sign-in."""
        if self.session is None:
            raise Forbidden("sign in first")
        return self.session.user

    @property
    def actor(self) -> str:
        """As the audit trail names them."""
        return f"console:{self.user.name}"

    @property
    def operator(self) -> bool:
        """Whether it is an operator."""
        return self.user.role == "operator"

    @property
    def account(self) -> str | None:
        """The one account that they may see; ``None``: all."""
        return None if self.operator else self.user.account

    def require_account(self, account: str | None) -> str:
        """That account, if they may see it. Raises `Missing`."""
        if account is None or (not self.operator and account != self.user.account):
            raise Missing("there is no such account")
        if all(each.id != account for each in self.services.accounts.list()):
            raise Missing("there is no such account")
        return account

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page. What is in ``context`` is escaped in the template."""
        csrf = Markup('<input type="hidden" name="csrf" value="{}">').format(self.session.csrf if self.session is not None else "")
        return HTMLResponse(rendered(template, visit=self, session=self.session, csrf=csrf, **context), status)

    def back_to(self, path: str, said: str = "", **query: str) -> Response:
        """Answer a form: go to that page, which says what was done (`pages.SAID`)."""
        asked = urlencode({**query, **({"said": said} if said else {})})
        return RedirectResponse(f"{path}?{asked}" if asked else path, 303)
