"""Decisions as rows of a table: ten thousand of them on one page, so that what is the same in many is made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from markupsafe import Markup, escape

from payseal.middleware.decision import ACCEPTED, ANSWERED_AGAIN
from payseal.server.console.pages import moment, rendered

__all__ = ["rows_of"]

#: What `decision-rows.html` unpacks: id, date, time, good, code, scheme, account, keyid, client, milliseconds, trace.
_Cells: TypeAlias = tuple[int, str, str, bool, str, str, str, str, str, str, str]
_DAY = 86_400
_GOOD = frozenset((ACCEPTED, ANSWERED_AGAIN))


def rows_of(decisions: Iterable[Mapping[str, Any]], *, arrived: bool = False) -> Markup:
    """The rows, in the order given; ``arrived``: as they come in."""
    # The template takes the cells as they are: it is ten times as fast without escaping each again, and here none is left out.
    return Markup(rendered("decision-rows.html", rows=map(_cells, decisions), arrived=arrived))  # noqa: S704


def _cells(row: Mapping[str, Any]) -> _Cells:
    day, seconds = divmod(int(row["at"]), _DAY)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return (
        int(row["id"]),
        _date(day),
        clock,
        row["code"] in _GOOD,
        _escaped(row["code"]),
        _escaped(row["scheme"]),
        _escaped(row["account"]),
        _escaped(row["keyid"]),
        _escaped(row["client"]),
        f"{row['latency'] / 1000:.2f}",
        "" if row["trace"] is None else str(escape(row["trace"])),
    )


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return moment(day * _DAY)[:10]


@lru_cache(maxsize=4096)
def _escaped(text: str | None) -> str:
    return "" if text is None else str(escape(text))
