"""What must hold after a load, whatever was sent: from the answers, and from what the sandbox has on record.

A payment that was accepted is on record once; an id is accepted once; what was refused is not on record; whoever asked got an answer, or
a closed connection; and nothing failed but what may: 503, which says that nothing was done.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from attacks.load.requests import GOOD, KINDS, REPEATED
from attacks.rows import Row, Tally
from attacks.sending import CLOSED, SILENT, Outcome

__all__ = ["audited", "on_record", "paid_out"]

_TESTS: Final = "tests/test_attacks_load.py"
#: Where each system writes down what it did, by the id that the client gave it.
_RECORDS: Final = (
    "SELECT client_request_id, count(*) FROM fiserv_payments GROUP BY 1",
    "SELECT client_request_id, count(*) FROM commercehub_transactions GROUP BY 1",
    "SELECT given_reference, count(*) FROM startbutton_transfers WHERE given_reference IS NOT NULL GROUP BY 1",
)


def on_record(database: Path) -> dict[str, int]:
    """Request id, or reference → how many payments there are of it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        return {key: count for query in _RECORDS for key, count in connection.execute(query)}


def paid_out(database: Path, currency: str, opening: int) -> int:
    """By how much the wallets have more or less left than the transfers on record explain; 0 is right. Minor units."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        ((balance,),) = connection.execute("SELECT balance FROM startbutton_wallets WHERE currency = ?", [currency])
        ((sent,),) = connection.execute("SELECT coalesce(sum(amount), 0) FROM startbutton_transfers WHERE currency = ?", [currency])
    return int(opening - sent - balance)


def audited(outcomes: Iterable[Outcome], stored: Mapping[str, int]) -> list[Row]:
    """A row for each kind that was sent, in the order of `KINDS`."""
    outcomes = list(outcomes)
    twice = _accepted_twice(outcomes)
    tallies = {kind: Tally(what, _TESTS) for kind, (what, _) in KINDS.items()}
    for outcome in outcomes:
        held, what = _verdict(outcome, stored.get(outcome.key, 0), twice=outcome.key in twice)
        (tallies[outcome.kind].held if held else tallies[outcome.kind].through)(what)
    sent = {outcome.kind for outcome in outcomes}
    return [tally.row() for kind, tally in tallies.items() if kind in sent]


def _accepted_twice(outcomes: Iterable[Outcome]) -> set[str]:
    """Keys with more than one answer that says: done now."""
    done: defaultdict[str, int] = defaultdict(int)
    for outcome in outcomes:
        if 200 <= outcome.status < 300 and not outcome.replayed:
            done[outcome.key] += 1
    return {key for key, times in done.items() if times > 1}


def _verdict(outcome: Outcome, recorded: int, *, twice: bool) -> tuple[bool, str]:
    """Whether it held, and what was seen."""
    status, accepted = outcome.status, 200 <= outcome.status < 300
    if status == SILENT:
        return False, "neither an answer nor a closed connection"
    if status >= 500 and status != 503:
        return False, str(status)
    if recorded > 1:
        return False, "on record twice"
    if outcome.kind in GOOD or outcome.kind in REPEATED:
        if twice and accepted and not outcome.replayed:
            return False, "accepted twice"
        if accepted and not recorded:
            return False, "accepted, and not on record"
        if outcome.kind in GOOD and not accepted and status not in (CLOSED, 503):
            return _repeated_first(status)
        return True, _WORDS.get((status, outcome.replayed), str(status))
    if accepted:
        return False, f"{status}"
    if outcome.key and recorded:
        return False, "refused, and on record"
    return True, _WORDS.get((status, False), str(status))


def _repeated_first(status: int) -> tuple[bool, str]:
    """A good request may find that its own repetition has overtaken it; nothing else may refuse it."""
    return (True, "its repetition came first") if status == 409 else (False, f"refused with {status}")


_WORDS: Final = {
    (200, False): "accepted, on record once",
    (201, False): "accepted, on record once",
    (200, True): "the first answer again",
    (201, True): "the first answer again",
    (CLOSED, False): "connection closed",
    (503, False): "503, nothing done",
}
