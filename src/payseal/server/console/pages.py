"""How pages are made: Jinja2 with escaping always on, and how times, numbers and names are written in all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

__all__ = ["SAID", "moment", "rendered", "span"]

#: What a page says after something was done, by the word in its address: no text from an address is ever shown.
SAID: Final = {
    "account-created": "The account was made.",
    "account-disabled": "The account is disabled: its requests are refused.",
    "account-enabled": "The account is enabled again.",
    "switched": "The switch was set. It is in force within a second.",
    "network-added": "The network is on the allow-list.",
    "network-removed": "The network is no longer on the allow-list.",
    "key-expires": "The key's end was set.",
    "key-revoked": "The key is revoked. Every server refuses it within a second.",
    "password-set": "The password was set. Other sessions were ended.",
    "signed-out": "You are signed out.",
    "signed-out-everywhere": "Every other session was ended.",
    "user-created": "The person can now sign in with a link.",
    "user-disabled": "The person is disabled and signed out.",
    "user-enabled": "The person can sign in again.",
}


def moment(seconds: float | None) -> str:
    """A time as people read it, in UTC."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A length of time in its largest fitting unit: ``3 days``, ``90 seconds``."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if round(seconds) >= 2 * size or round(seconds) == size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(seconds)} second{'' if round(seconds) == 1 else 's'}"


def _machine(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _prose(text: str) -> Markup:
    """Text in which names stand in backticks: they become ``<code>``; all of it is escaped."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces))


_PAGES: Final = Environment(
    loader=PackageLoader("payseal.server.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "moment": moment,
    "machine": _machine,
    "span": span,
    "count": lambda number: f"{number:,}".replace(",", "\u202f"),
    "prose": _prose,
}
_PAGES.filters |= _FILTERS
_PAGES.globals["SAID"] = SAID


def rendered(template: str, **context: Any) -> str:
    """The text of a page."""
    return _PAGES.get_template(template).render(**context)
