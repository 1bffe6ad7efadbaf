"""From rows to what verifies: each credential once for every stretch of time in which the same secrets are valid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from payseal.credentials import Credential
from payseal.errors import CredentialError
from payseal.server.accounts import tables
from payseal.server.accounts.issuing import subject_of
from payseal.server.accounts.keyring import KeyRing

__all__ = ["Entry", "read_entries"]

_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Entry:
    """A credential that is neither revoked nor of a disabled account."""

    keyid: str
    account: str
    scheme: str
    overrides: str  # JSON text
    allow_unkeyed: bool
    token_sha256: bytes | None = field(repr=False)
    #: (until, credential), in order of time: at the end of an overlap the older secret is left out. Nothing has to be built on the way.
    phases: tuple[tuple[float, Credential], ...]
    #: Why its secrets cannot be opened; empty when they can.
    problem: str = ""

    def credential(self, now: float) -> Credential:
        """The credential as it is at ``now`` (seconds since the epoch). Raises `CredentialError` when its secrets cannot be opened."""
        if self.problem:
            raise CredentialError(self.problem)
        for until, credential in self.phases:
            if now < until:
                return credential
        return self.phases[-1][1]


def read_entries(connection: Connection, accounts: Iterable[str], ring: KeyRing) -> list[Entry]:
    """The entries of those accounts."""
    chosen = tuple(accounts)
    kept: dict[str, list[Any]] = {}
    rows = select(tables.secrets).join(tables.credentials, tables.credentials.c.keyid == tables.secrets.c.keyid)
    for row in connection.execute(rows.where(tables.credentials.c.account.in_(chosen)).order_by(tables.secrets.c.created)):
        kept.setdefault(row.keyid, []).append(row)
    query = select(tables.credentials).where(tables.credentials.c.account.in_(chosen), tables.credentials.c.revoked.is_(None))
    return [_entry(row, kept.get(row.keyid, []), ring) for row in connection.execute(query)]


def _entry(row: Any, kept: list[Any], ring: KeyRing) -> Entry:
    problem = ""
    phases: tuple[tuple[float, Credential], ...] = ()
    try:
        phases = _phases(row, kept, ring)
    except CredentialError as error:
        # This credential alone is in doubt: its requests are refused, the others go on.
        problem = f"the credential {row.keyid} cannot be used: {error}"
    return Entry(row.keyid, row.account, row.scheme, row.overrides, row.allow_unkeyed, row.token_sha256, phases, problem)


def _phases(row: Any, kept: list[Any], ring: KeyRing) -> tuple[tuple[float, Credential], ...]:
    opened = [
        (
            _FOREVER if each.not_after is None else each.not_after,
            each.kind,
            ring.unseal(each.sealed, subject_of(each.id, each.keyid, each.kind)),
        )
        for each in kept
    ]
    # The one that signs comes last, also where two were made in the same moment.
    opened.sort(key=lambda each: each[0])
    token = next((value.decode("ascii") for _, kind, value in opened if kind == "token"), None)
    secrets = [(until, value) for until, kind, value in opened if kind == "secret"]
    return tuple(
        (
            end,
            Credential(row.keyid, [value for until, value in secrets if until >= end], token, account=row.account, not_after=row.not_after),
        )
        for end in sorted({until for until, _ in secrets} | {_FOREVER})
    )
