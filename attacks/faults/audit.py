"""What became of every payment: the clients' journal held against the sandbox's own records. Nothing here is told what to find."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from attacks.faults.payers import COMMERCEHUB, FISERV, STARTBUTTON, Attempt, Payment, code_of
from attacks.rows import Row
from attacks.sending import CLOSED, SILENT

from payseal.server.sandbox.startbutton.wallets import OPENING_BALANCES

__all__ = ["Away", "Findings", "Records", "audited"]

#: Where each provider keeps what it accepted: what names the payment there, and its amount in minor units.
_KEPT: Final = {
    FISERV: "SELECT client_request_id, minor FROM fiserv_payments",
    COMMERCEHUB: "SELECT client_request_id, amount FROM commercehub_transactions",
    STARTBUTTON: "SELECT recipient_name, amount FROM startbutton_transfers",
}
_WALLETS: Final = """SELECT w.currency, w.balance, coalesce(sum(t.amount) FILTER (WHERE t.status NOT IN ('failed', 'reversed')), 0)
    FROM startbutton_wallets w LEFT JOIN startbutton_transfers t USING (account, currency) GROUP BY w.account, w.currency"""


@dataclass(frozen=True, slots=True)
class Away:
    """While nothing could be claimed: times of `time.monotonic`."""

    began: float
    ended: float

    def holds(self, attempt: Attempt) -> bool:
        """Whether all of it lies in here, from the first byte sent to the last received."""
        return self.began <= attempt.began and attempt.ended <= self.ended


@dataclass(frozen=True, slots=True)
class Records:
    """What the sandbox's database holds. ``paid``: (provider, key) → the amounts of all payments by that name; ``wallets``: currency, what
    is in it, and what was sent out of it."""

    paid: Mapping[tuple[str, str], Sequence[int]]
    wallets: Sequence[tuple[str, int, int]]

    @classmethod
    def read(cls, path: Path) -> Records:
        """From the file, which may be in use."""
        paid: dict[tuple[str, str], list[int]] = defaultdict(list)
        with closing(sqlite3.connect(path, timeout=10)) as database:
            for provider, query in _KEPT.items():
                for key, minor in database.execute(query):
                    paid[provider, key].append(minor)
            return cls(dict(paid), database.execute(_WALLETS).fetchall())


@dataclass(slots=True)
class Findings:
    """What was found, and how often: ``through`` must be empty."""

    through: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    #: What is said whatever its number: of the faults themselves.
    notes: dict[str, int] = field(default_factory=dict)

    def row(self, attack: str, tried: int, tests: str) -> Row:
        """For the table."""
        bad = {f"GOT THROUGH: {what}": times for what, times in self.through.most_common()}
        return Row(attack, tried, self.through.total(), {**bad, **dict(self.seen.most_common()), **self.notes}, tests)


def audited(journal: Sequence[Payment], records: Records, away: Sequence[Away] = ()) -> Findings:
    """Hold the journal against the records. ``away``: when no payment may have been accepted."""
    found = Findings()
    for payment in journal:
        for attempt in (*payment.attempts, *payment.inquiries):
            _weigh(attempt, away, found)
        found.seen.update(_said(attempt) for attempt in payment.attempts)
        _compare(payment, records, found)
    known = {(payment.provider, payment.key) for payment in journal}
    found.through["paid, and nobody asked for it"] += sum(len(of_it) for name, of_it in records.paid.items() if name not in known)
    for currency, balance, sent in records.wallets:
        found.through["a wallet that does not add up"] += balance + sent != OPENING_BALANCES[currency]  # type: ignore[index]
    found.through += Counter()  # takes out what is zero
    return found


def _weigh(attempt: Attempt, away: Sequence[Away], found: Findings) -> None:
    """One answer by itself."""
    if attempt.status == SILENT:
        found.through["neither an answer nor a closed connection"] += 1
    elif attempt.status >= 500 and attempt.status != 503:
        found.through[f"answered {attempt.status}"] += 1
    elif attempt.accepted and any(each.holds(attempt) for each in away):
        found.through["accepted while the ledger was away"] += 1


def _said(attempt: Attempt) -> str:
    if attempt.accepted:
        return "answered again" if attempt.replayed else "accepted"
    if attempt.status in (CLOSED, SILENT):
        return "connection closed or refused" if attempt.status == CLOSED else "silence"
    return "503, refused" if attempt.status == 503 else f"{attempt.status} {code_of(attempt.body)}".strip()


def _compare(payment: Payment, records: Records, found: Findings) -> None:
    """All answers to one payment with one another, and with what is on record."""
    accepted = [attempt for attempt in payment.attempts if attempt.accepted]
    if sum(not attempt.replayed for attempt in accepted) > 1:
        found.through["accepted twice"] += 1
    elif len({attempt.body for attempt in accepted}) > 1:
        found.through["two answers that differ"] += 1
    if not payment.moves:
        return
    paid = records.paid.get((payment.provider, payment.key), ())
    if len(paid) > 1:
        found.through["paid twice"] += 1
    if accepted and not paid:
        found.through["accepted, and lost"] += 1
    if any(minor != payment.minor for minor in paid):
        found.through["paid another amount"] += 1
    if payment.found is not None and payment.found and not paid:
        found.through["said to be there, and not there"] += 1
    if paid and not accepted:
        if all(attempt.status >= 400 and attempt.status != 409 for attempt in payment.attempts):
            found.through["refused, and paid"] += 1
        else:
            found.seen["paid once though its client was never told"] += 1
