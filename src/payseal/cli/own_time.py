"""The time that a request says of itself, read as leniently as an explanation needs it."""

from __future__ import annotations

from payseal.cli.failures import wrong_use
from payseal.errors import Rejected
from payseal.explain.times import seen_unit
from payseal.request import Request
from payseal.schemes import Scheme

__all__ = ["own_time", "time_text"]


def time_text(request: Request, scheme: Scheme) -> str | None:
    """The time as it was sent; ``None`` where the scheme sends none, and where it cannot be found."""
    for rule in scheme.headers:
        if any(part.name == "created" for part in rule.components):
            for value in request.values(rule.key):
                try:
                    return next(text for part, text in rule.read(value) if part.name == "created")
                except Rejected:
                    return value.strip() if len(rule.components) == 1 else None
    return None


def own_time(request: Request, scheme: Scheme) -> float:
    """That time, seconds since the epoch. Raises `Stop` where it cannot be told."""
    if scheme.created is None or not scheme.created_sent:
        wrong_use(f"--at-created: requests of {scheme.name} do not carry their time; give it with --now SECONDS")
    text = time_text(request, scheme)
    moment = None if text is None else scheme.created.format.read(text)
    if moment is None:
        seen = seen_unit(text or "")  # in another unit than the scheme's, which is what there is to explain
        moment = seen[1] if seen else None
    if moment is None:
        wrong_use("--at-created: the request's own time cannot be read; give the time with --now SECONDS")
    return moment / 1000
