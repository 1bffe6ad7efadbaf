"""A believable hour of decisions, the same each time: what a page that is looked at, or measured, is filled with."""

from __future__ import annotations

import math
import random
import uuid
from typing import Any

from sqlalchemy import insert

from payseal.server.accounts import Database, tables
from payseal.server.vault import DemoKeys

#: Of the refusals, how many are of which code.
REFUSED = {"invalid-signature": 9, "outside-window": 4, "replayed": 3, "missing-header": 2, "id-reused": 1}
STATUS = {"accepted": 201, "answered-again": 201, "replayed": 409, "id-reused": 422}
CLIENTS = ("203.0.113.7", "203.0.113.9", "198.51.100.23", "2001:db8::17")


def hour(keys: DemoKeys, now: float, busy: float = 14.0) -> list[dict[str, Any]]:
    """The rows of the hour before ``now``: about ``busy`` a minute, with ten minutes in which somebody's clock was wrong."""
    chance = random.Random(7)
    signers = (("fiserv-payments", keys.fiserv), ("startbutton-transfer", keys.startbutton), ("commercehub-hmac", keys.commercehub))
    rows = []
    for minute in range(60):
        for _ in range(round(busy * (1 + 0.5 * math.sin(minute / 7)) * chance.uniform(0.75, 1.25))):
            at = now - 3600 + 60 * (minute + chance.random())
            scheme, key = chance.choice(signers)
            code = "accepted" if chance.random() < 0.94 else "answered-again"
            if chance.random() < 0.05:
                code = chance.choices(list(REFUSED), list(REFUSED.values()))[0]
            if 34 <= minute < 44 and chance.random() < 0.3:
                code = "outside-window"
            rows.append(decision(code, at=at, scheme=scheme, account=key.account, keyid=key.keyid, chance=chance))
    return sorted(rows, key=lambda row: row["at"])


def decision(code: str, *, at: float, scheme: str, account: str | None, keyid: str | None, chance: random.Random) -> dict[str, Any]:
    """One row."""
    proven = code in ("accepted", "answered-again", "replayed", "id-reused", "outside-window")
    return {
        "at": at,
        "code": code,
        "status": STATUS.get(code, 401),
        "scheme": scheme,
        "account": account if proven else None,
        "keyid": keyid,
        "request_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "client": chance.choice(CLIENTS),
        "latency": int(chance.lognormvariate(6.3, 0.45)),
        "trace": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    }


def put(database: Database, rows: list[dict[str, Any]]) -> None:
    """Into the decisions."""
    with database.write() as connection:
        for start in range(0, len(rows), 500):
            connection.execute(insert(tables.decisions), rows[start : start + 500])
