"""The door: every request to the console passes here, and becomes a `Visit` or is turned away.

What is checked, in this order: the size of what is sent; the session; that a form comes from one of the console's own pages (``Origin`` or
``Sec-Fetch-Site``, and the session's cross-site token); the role. Every answer leaves with the headers that keep a browser strict.
"""

from __future__ import annotations

import hmac
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from payseal.errors import PaysealError
from payseal.server.accounts import DatabaseError
from payseal.server.console.services import Services
from payseal.server.console.visit import Forbidden, Missing, Visit

__all__ = ["HEADERS", "Page", "cookie_name", "encrypted", "nowhere", "routes_of", "set_session"]

_logger: Final = logging.getLogger("payseal")

#: What every answer is sent with. Scripts and styles come from files of this server alone.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that would make the Origin of our own forms "null" (Fetch, section 3.2.5).
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_LONGEST: Final = 262_144  # bytes of a form
_FIELDS: Final = 200

Handler: TypeAlias = Callable[[Visit], Response]
Access: TypeAlias = Literal["anyone", "user", "operator"]


@dataclass(frozen=True, slots=True)
class Page:
    """A path, who may ask for it, and what answers each method. Handlers run in a thread: they may wait for the database."""

    path: str
    access: Access
    get: Handler | None = None
    post: Handler | None = None


def routes_of(pages: list[Page], services: Services) -> list[Route]:
    """The routes, each behind the door."""
    return [_route(page, services) for page in pages]


async def nowhere(request: Request, error: Exception) -> Response:
    """The answer where no page is, or none for that method."""
    assert isinstance(error, HTTPException)
    return Response(f"{error.detail}\n", error.status_code, {**HEADERS, **(error.headers or {})}, "text/plain")


def encrypted(request: Request) -> bool:
    """Whether the connection is. Not by the request's URL: the client names its host, and that may be no host at all."""
    return bool(request.scope["scheme"] == "https")


def cookie_name(*, encrypted: bool) -> str:
    """The session's cookie. Over https its prefix binds it to this host and to https (RFC 6265bis, section 4.1.3.2)."""
    return "__Host-payseal" if encrypted else "payseal"


def set_session(response: Response, token: str | None, *, encrypted: bool) -> None:
    """Give the browser a session, or with ``None`` take it away."""
    name = cookie_name(encrypted=encrypted)
    if token is None:
        response.delete_cookie(name, path="/", secure=encrypted, httponly=True, samesite="strict")
    else:
        response.set_cookie(name, token, path="/", secure=encrypted, httponly=True, samesite="strict")


def _route(page: Page, services: Services) -> Route:
    handlers = {"GET": page.get, "POST": page.post}

    async def answer(request: Request) -> Response:
        response = await _answered(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _answered(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        assert handler is not None
        form: Mapping[str, str] = {}
        if request.method == "POST":
            try:
                read = await _form(request)
            except ClientDisconnect:
                return _plain("The form did not arrive whole.", 400)
            if read is None:
                return _plain("That is more than a form of this page can hold.", 413)
            form = read
        try:
            return await services.in_thread(_visited, request, form, handler)
        except DatabaseError as error:
            _logger.error("the console cannot ask its database: %s", error)
            return _plain("The database cannot be asked at the moment: try again.", 503)
        except Exception as error:  # noqa: BLE001 - its text may hold what was sent; the place is enough to find the mistake
            place = traceback.extract_tb(error.__traceback__)[-1]
            _logger.error("the console failed: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            return _plain("Something failed here. The server's log says where.", 500)

    def _visited(request: Request, form: Mapping[str, str], handler: Handler) -> Response:
        token = request.cookies.get(cookie_name(encrypted=encrypted(request)))
        session = services.sessions.find(token) if token else None
        visit = Visit(
            services=services,
            method=request.method,
            path=request.scope["path"],
            query=_without_nul(request.query_params),
            parameters=_without_nul(request.path_params),
            form=form,
            session=session,
            token=token if session is not None else None,
            client=request.client.host if request.client else None,
            agent=request.headers.get("user-agent", "")[:200],
            partial=request.headers.get("hx-request") == "true",
            encrypted=encrypted(request),
        )
        if session is None and page.access != "anyone":
            return _to_sign_in(request, visit)
        if request.method == "POST" and not _ours(request, visit, page.access):
            return _plain("This form is out of date or was not sent from this console: go back, load the page again, and repeat.", 403)
        try:
            if page.access == "operator" and not visit.operator:
                raise Forbidden("this page is for operators")
            return handler(visit)
        except Missing as error:
            return visit.page("message.html", 404, title="Not found", message=f"{error}")
        except Forbidden as error:
            return visit.page("message.html", 403, title="Not allowed", message=f"{error}")
        except DatabaseError:
            raise
        except PaysealError as error:
            return visit.page("message.html", 400, title="That cannot be done", message=f"{error}")

    return Route(page.path, answer, methods=[method for method, handler in handlers.items() if handler is not None])


def _ours(request: Request, visit: Visit, access: Access) -> bool:
    """Whether a form was sent by one of our own pages."""
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.scope['scheme']}://{request.headers.get('host', '')}":
        return False
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    if visit.session is None or access == "anyone":
        # Signing in rides on no session; one that is there may have begun after the page was made, which knows nothing of its token.
        # A form that says nothing of where it comes from is not taken.
        return origin is not None or "sec-fetch-site" in request.headers
    given = request.headers.get("x-csrf-token") or visit.form.get("csrf", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), visit.session.csrf.encode("ascii"))


def _to_sign_in(request: Request, visit: Visit) -> Response:
    if visit.partial:
        # htmx follows a redirect inside the part it replaces: this header moves the whole page.
        return Response(status_code=401, headers={"HX-Redirect": "/console/sign-in"})
    if request.method != "GET":
        return RedirectResponse("/console/sign-in", 303)
    target = visit.path + (f"?{urlencode(visit.query)}" if visit.query else "")
    return RedirectResponse(f"/console/sign-in?next={quote(target, safe='')}", 303)


async def _form(request: Request) -> Mapping[str, str] | None:
    """The form's fields, of each name the last; ``None`` when it is too large."""
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _LONGEST:
            return None
    try:
        return dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        return {}


def _without_nul(values: Mapping[str, Any]) -> dict[str, Any]:
    """As they are, but for the one character that PostgreSQL has no place for."""
    return {name: value.replace("\0", "\ufffd") for name, value in values.items()}


def _plain(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, media_type="text/plain")
