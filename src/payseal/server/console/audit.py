"""The audit trail: read, and taken away as a file, which is made while it is sent: a trail may be long."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from starlette.responses import Response, StreamingResponse

from payseal.server.accounts import AuditEntry
from payseal.server.console.door import Page
from payseal.server.console.visit import Visit

__all__ = ["PAGES"]

_PAGE: Final = 100
#: Lines that are read at a time for a file.
_PIECE: Final = 1000
_COLUMNS: Final = ("id", "at", "actor", "action", "account", "keyid", "detail")
#: What spreadsheets take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _read(visit: Visit) -> Response:
    account = _account(visit)
    before = _number(visit.query.get("before"))
    found = list(visit.services.accounts.audit(account=account, before=before, limit=_PAGE + 1))
    accounts = [each.id for each in visit.services.accounts.list()] if visit.operator else []
    return visit.page(
        "audit.html",
        entries=found[:_PAGE],
        older=found[_PAGE - 1].id if len(found) > _PAGE else None,
        account=account,
        accounts=accounts,
        newest=before is None,
    )


def _csv(visit: Visit) -> Response:
    pieces = (_csv_lines(map(_cells, entries)) for entries in _pieces(visit))
    return _file(chain([_csv_lines([_COLUMNS])], pieces), "text/csv; charset=utf-8", "audit.csv")


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(each: AuditEntry) -> list[str]:
    detail = json.dumps(dict(each.detail), sort_keys=True)
    row = [str(each.id), f"{each.at:.3f}", each.actor, each.action, each.account or "", each.keyid or "", detail]
    return [f"'{value}" if value.startswith(_FORMULA) else value for value in row]


def _json(visit: Visit) -> Response:
    pieces = ("".join(f"{_json_line(each)}\n" for each in entries) for entries in _pieces(visit))
    return _file(pieces, "application/jsonl", "audit.jsonl")


def _json_line(each: AuditEntry) -> str:
    return json.dumps(
        {
            "id": each.id,
            "at": each.at,
            "actor": each.actor,
            "action": each.action,
            "account": each.account,
            "keyid": each.keyid,
            "detail": dict(each.detail),
        },
        sort_keys=True,
    )


def _pieces(visit: Visit) -> Iterator[list[AuditEntry]]:
    """The lines, the newest first. The first of them are read at once, so that a database that does not answer is an answer of its own."""
    account = _account(visit)
    first = list(visit.services.accounts.audit(account=account, limit=_PIECE))

    def rest() -> Iterator[list[AuditEntry]]:
        found = first
        while found:
            yield found
            found = list(visit.services.accounts.audit(account=account, before=found[-1].id, limit=_PIECE))

    return rest()


def _account(visit: Visit) -> str | None:
    """Whose lines: a merchant's own, or those an operator asks for."""
    return visit.query.get("account") or None if visit.operator else visit.user.account


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None


def _file(pieces: Iterator[str], media_type: str, name: str) -> Response:
    return StreamingResponse(pieces, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


PAGES = [
    Page("/console/audit", "user", get=_read),
    Page("/console/audit.csv", "user", get=_csv),
    Page("/console/audit.jsonl", "user", get=_json),
]
