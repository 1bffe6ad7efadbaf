"""How the pages are written, and the headers that keep them from doing anything else."""

from __future__ import annotations

import json
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, JSONResponse, Response

__all__ = ["answer_json", "notice", "payment_page"]

_PAGES: Final = Environment(
    loader=PackageLoader("payseal.server.sandbox.hosted"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def payment_page(amount: str, currency: str, session: dict[str, Any]) -> Response:
    """The page that takes a card; ``session`` is what its script is given."""
    return _html("pay.html", 200, amount=amount, currency=currency, session=_data(session))


def notice(status: int, heading: str, sentence: str) -> Response:
    """A page that says why there is nothing to pay here."""
    return _html("notice.html", status, heading=heading, sentence=sentence)


def answer_json(status: int, document: dict[str, Any]) -> Response:
    """What the page's script is answered."""
    return JSONResponse(document, status, headers=_HEADERS)


def _html(template: str, status: int, **values: object) -> Response:
    return HTMLResponse(_PAGES.get_template(template).render(values), status, headers=_HEADERS)


def _data(document: dict[str, Any]) -> Markup:
    """JSON that can stand in a script element: nothing in it can end that element, or begin another."""
    text = json.dumps(document)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above, as JSON has it
