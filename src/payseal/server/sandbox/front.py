"""What needs no signature: where things are, what there is to read about them, and whether they work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from payseal.server.assets import asset
from payseal.server.sandbox.provider import Mount
from payseal.server.sandbox.reference.library import Library
from payseal.server.sandbox.reference.pages import HEADERS

__all__ = ["front"]

_SHARED: Final = Path(__file__).parent.parent / "static"
_OWN: Final = Path(__file__).parent / "reference" / "static"


def front(mounts: Sequence[Mount], extra_routes: Iterable[BaseRoute] = ()) -> Starlette:
    """The application: the start page, a document and a page for each provider, style sheets and icon, ``/healthz``, and what is added."""
    library = Library(mounts)

    def index(request: Request) -> Response:
        varies = {"Vary": "Accept"}
        if _prefers_html(request.headers.get("accept", "")):
            return HTMLResponse(library.start, headers={**HEADERS, **varies})
        return JSONResponse(library.index, headers=varies)

    def openapi(request: Request) -> Response:
        found = library.documents.get(request.path_params["provider"])
        if found is None:
            raise HTTPException(404)
        return JSONResponse(found, headers={"Cache-Control": "no-cache"})

    def reference(request: Request) -> Response:
        if request.path_params["provider"] not in library.mounts:
            raise HTTPException(404)
        return HTMLResponse(library.page(request.path_params["provider"]), headers=HEADERS)

    def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/healthz", health),
            Route("/openapi/{provider}.json", openapi),
            Route("/reference/{provider}", reference),
            asset("/static/base.css", _SHARED / "base.css"),
            asset("/static/reference.css", _OWN / "reference.css"),
            asset("/static/icon.svg", _OWN / "icon.svg"),
            *extra_routes,
        ]
    )


def _prefers_html(accept: str) -> bool:
    """Whether an ``Accept`` header asks for HTML by name, and not for JSON more than that. Whoever takes anything gets JSON."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name in weights:
            weights[name] = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    return weights["text/html"] > 0 and weights["text/html"] >= weights["application/json"]


def _weight(text: str) -> float:
    """A weight of RFC 9110; what is none counts as nothing."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
