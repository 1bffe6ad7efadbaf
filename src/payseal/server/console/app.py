"""The console as routes: its pages, and the files they need."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from payseal.server.assets import asset
from payseal.server.console import accounts, audit, catalogue, keys, live, overview, people, requests, signin, tryit
from payseal.server.console.door import nowhere, routes_of
from payseal.server.console.services import Services

__all__ = ["EXPLANATIONS", "PATH", "console"]

PATH: Final = "/console"
#: Where a refusal's link leads, without sign-in: its trace cannot be guessed.
EXPLANATIONS: Final = "/explanations"
_HERE: Final = Path(__file__).parent
_STATIC: Final = ("console.css", "console.js", "icon.svg", "link.js", "htmx.min.js", "htmx-sse.min.js")


def console(services: Services) -> Starlette:
    """The application; every path of it begins with `PATH` or `EXPLANATIONS`."""
    modules = (signin, overview, accounts, keys, audit, requests, tryit, catalogue, people)
    pages = [page for module in modules for page in module.PAGES]
    files = [asset(f"{PATH}/static/{name}", _HERE / "static" / name) for name in _STATIC]
    base = asset(f"{PATH}/static/base.css", _HERE.parent / "static" / "base.css")
    # The stream before the pages: /console/requests/stream is no request's trace.
    app = Starlette(routes=[*files, base, *live.routes(services), *routes_of(pages, services)], exception_handlers={HTTPException: nowhere})
    app.router.redirect_slashes = False  # to a whole URL, in which the client's own idea of the host would stand
    return app
