"""When the disk is full, does a file refuse, and forget nothing? A process that may write no more than so many bytes to any file is told so
by the system, as it is by a disk."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

from payseal.ledger import Answer, Outcome, SQLiteLedger

_FILLS = """
import json, resource, sys
from payseal import LedgerError
from payseal.ledger import Answer, Outcome, SQLiteLedger
ledger = SQLiteLedger(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
fresh, done, refused = [], [], []
for number in range(2_000):
    name = str(number)
    try:
        claim = ledger.claim("s", name, b"f", 600)
    except LedgerError:
        refused.append(name)
        if len(refused) == 3:
            break
        continue
    assert claim.outcome is Outcome.FRESH
    fresh.append(name)
    try:
        assert claim.complete(Answer(200, body=name.encode() * 1_000))
        done.append(name)
    except LedgerError:
        pass
print(json.dumps([fresh, done, refused]))
"""


def test_a_full_disk_refuses_and_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    found = subprocess.run([sys.executable, "-c", _FILLS, str(path)], capture_output=True, text=True, check=True, timeout=100)
    fresh, done, refused = json.loads(found.stdout)
    assert len(fresh) > 50
    assert len(refused) == 3
    assert len(done) < len(fresh)
    ledger = SQLiteLedger(path)
    for name in fresh:
        again = ledger.claim("s", name, b"f", 600)
        if name in done:
            assert (again.outcome, again.answer) == (Outcome.DONE, Answer(200, body=name.encode() * 1_000))
        else:
            assert again.outcome is Outcome.IN_FLIGHT
    assert [ledger.claim("s", name, b"f", 600).outcome for name in refused] == [Outcome.FRESH] * 3
    ledger.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
