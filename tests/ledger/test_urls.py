"""Ledgers by URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from payseal.errors import LedgerError, MissingExtra
from payseal.ledger import MemoryLedger, SQLiteLedger, open_ledger


def test_memory() -> None:
    assert isinstance(open_ledger("memory://"), MemoryLedger)


def test_sqlite_relative_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///relative.db", f"sqlite:///{tmp_path}/absolute.db"):
        ledger = open_ledger(url)
        assert isinstance(ledger, SQLiteLedger)
        ledger.close()
    assert {path.name for path in tmp_path.iterdir()} == {"relative.db", "absolute.db"}


def test_a_relative_file_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    ledger = open_ledger("sqlite:///ledger.db")
    ledger.close()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ledger.claim("s", "id", b"", 600)
    ledger.close()
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ledger.db",
        "kafka://user:hunter2@host/topic",
        "user:hunter2@host",
        "memory://hunter2",
        "sqlite://hunter2.db",
        "sqlite://user:hunter2@host/x.db",
        "sqlite:///x.db?password=hunter2",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_what_is_no_ledger_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(LedgerError) as refused:
        open_ledger(url)
    assert "hunter2" not in str(refused.value)
    assert "memory://" in str(refused.value) or "sqlite:///" in str(refused.value)


def test_sqlite_is_loaded_only_by_whoever_opens_it() -> None:
    script = "import sys, payseal, payseal.ledger, payseal.middleware; payseal.ledger.open_ledger('memory://'); sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_each_driver_is_loaded_only_by_whoever_opens_its_ledger(tmp_path: Path) -> None:
    script = (
        "import sys, payseal.middleware; from payseal.ledger import open_ledger; open_ledger('memory://'); open_ledger(sys.argv[1]);"
        "sys.exit(bool({'redis', 'psycopg', 'payseal.ledger.redis', 'payseal.ledger.postgresql'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script, f"sqlite:///{tmp_path}/ledger.db"], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [
        ("postgresql://user:hunter2@host/database", "psycopg", "postgresql"),
        ("redis://:hunter2@host", "redis", "redis"),
        ("valkey://:hunter2@host", "redis", "redis"),
    ],
)
def test_a_driver_that_is_not_installed_is_said_with_the_line_that_brings_it(
    url: str, driver: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == driver]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'payseal\[{extra}\]'") as missing:
        open_ledger(url)
    assert "hunter2" not in str(missing.value)


def test_each_backend_has_a_name_in_the_package() -> None:
    import payseal.ledger

    assert {name for name in payseal.ledger.__all__ if name.endswith("Ledger")} == {
        "Ledger",
        "MemoryLedger",
        "PostgreSQLLedger",
        "RedisLedger",
        "SQLiteLedger",
    }
    assert all(hasattr(payseal.ledger, name) for name in payseal.ledger.__all__)
