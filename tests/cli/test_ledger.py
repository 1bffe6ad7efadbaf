"""``payseal ledger stats``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from payseal.ledger import Answer, SQLiteLedger

from .conftest import Run


@pytest.fixture
def url(tmp_path: Path) -> str:
    ledger = SQLiteLedger(tmp_path / "ledger.db")
    ledger.claim("s", "held", b"f", 600)
    ledger.claim("s", "left", b"f", 600, lease=0)
    for number in range(3):
        ledger.claim("s", f"done-{number}", b"f", 600).complete(Answer(200))
    ledger.close()
    return f"sqlite:///{tmp_path}/ledger.db"


def test_stats_counts_ids_by_state(run: Run, url: str) -> None:
    result = run("ledger", "stats", "--ledger", url)
    assert result.exit_code == 0
    rows = [line.split()[:2] if not line.startswith("in flight") else ["in flight", line.split()[2]] for line in result.stdout.splitlines()]
    assert rows[:5] == [["in flight", "1"], ["unknown", "1"], ["done", "3"], ["expired", "0"], ["total", "5"]]
    assert rows[5][0] == "bytes"


def test_stats_as_json_with_the_url_from_the_environment(run: Run, url: str) -> None:
    result = run("ledger", "stats", "--json", env={"PAYSEAL_LEDGER": url})
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.pop("bytes") > 4096
    assert found == {"in_flight": 1, "unknown": 1, "done": 3, "expired": 0, "total": 5}


def test_without_a_url_it_says_where_to_give_one(run: Run) -> None:
    result = run("ledger", "stats", env={"PAYSEAL_LEDGER": ""})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--ledger or in PAYSEAL_LEDGER" in result.stderr


def test_a_file_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    result = run("ledger", "stats", "--ledger", f"sqlite:///{tmp_path}/missing.db")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url", ["memory://", "kafka://user:hunter2@host", "redis://:hunter2@127.0.0.1:1/0", "postgresql://u:hunter2@127.0.0.1:1/x"]
)
def test_what_cannot_be_opened_is_said_without_the_url(run: Run, url: str) -> None:
    for result in (run("ledger", "stats", "--ledger", url), run("ledger", "stats", env={"PAYSEAL_LEDGER": url})):
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("payseal: ")
        assert len(result.stderr.splitlines()) == 1
        assert "hunter2" not in result.stderr
