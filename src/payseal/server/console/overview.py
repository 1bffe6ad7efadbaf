"""The overview: what was accepted and refused in the last hour, why, how fast, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from payseal.ledger.stats import Stats
from payseal.server.accounts import CredentialRecord
from payseal.server.accounts.decided import Chosen, Tally, tally
from payseal.server.console.charts import Chart, bars
from payseal.server.console.door import Page
from payseal.server.console.visit import Visit

__all__ = ["PAGES"]

_MINUTES: Final = 60
#: Seconds before its end from which a key is shown as ending.
_SOON: Final = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class _Overview:
    chart: Chart
    tally: Tally
    ending: list[CredentialRecord]
    #: ``None`` where the ledger cannot be asked, or is not this visitor's to see.
    ledger: Stats | None
    now: float


def _overview(visit: Visit) -> Response:
    template = "overview-now.html" if visit.partial else "overview.html"
    return visit.page(template, overview=_seen(visit))


def _seen(visit: Visit) -> _Overview:
    now = visit.services.clock()
    keys = visit.services.credentials.list(visit.account)
    chosen = Chosen() if visit.operator else Chosen(visit.account, [key.keyid for key in keys])
    first = int(now // 60) - _MINUTES + 1
    found = tally(visit.services.database, chosen, since=first * 60.0)
    columns = [
        (datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M"), *found.minutes.get(minute, (0, 0)))
        for minute in range(first, first + _MINUTES)
    ]
    ending = [key for key in keys if key.revoked is None and key.not_after is not None and now < key.not_after < now + _SOON]
    return _Overview(
        bars(columns, every=10),
        found,
        sorted(ending, key=lambda key: key.not_after or 0),
        visit.services.gauge.read() if visit.operator else None,
        now,
    )


PAGES = [Page("/console", "user", get=_overview)]
