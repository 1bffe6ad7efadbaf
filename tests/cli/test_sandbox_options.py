"""Where ``payseal sandbox`` keeps its claims and its accounts: in its folder, and elsewhere only when it is told so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.servers import PostgresServer, ValkeyServer

from .conftest import Run

HIDDEN = "hunter2"
ELSEWHERE = {
    "PAYSEAL_LEDGER": f"valkey://:{HIDDEN}@127.0.0.1:1/0",
    "PAYSEAL_DATABASE": f"postgresql://user:{HIDDEN}@127.0.0.1:1/name",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sandbox"


def test_a_variable_that_is_set_for_other_commands_moves_nothing_and_that_is_said(run: Run, folder: Path) -> None:
    result = run("sandbox", "--folder", str(folder), "--port", "0", "--walkthrough", "--once", env=ELSEWHERE)
    assert result.exit_code == 0, result.output
    for option, name in (("ledger", "PAYSEAL_LEDGER"), ("database", "PAYSEAL_DATABASE")):
        assert f"{name} is set and not used: a sandbox keeps to its folder without --{option} env" in result.stderr
    assert HIDDEN not in result.output
    assert (folder / "ledger.db").exists()
    assert (folder / "accounts.db").exists()


@pytest.mark.parametrize(("option", "name"), [("--ledger", "PAYSEAL_LEDGER"), ("--database", "PAYSEAL_DATABASE")])
def test_a_variable_that_is_asked_for_must_be_set(run: Run, folder: Path, option: str, name: str) -> None:
    for env in ({}, {name: ""}):
        result = run("sandbox", "--folder", str(folder), option, "env", env=env)
        assert (result.exit_code, result.stderr) == (2, f"payseal: {option} env takes the URL in {name}, and that is not set\n")
    assert not folder.exists()


@pytest.mark.parametrize(("option", "name"), [("--ledger", "PAYSEAL_LEDGER"), ("--database", "PAYSEAL_DATABASE")])
@pytest.mark.parametrize("by_variable", [True, False])
def test_what_cannot_be_reached_ends_it_and_no_password_is_shown(run: Run, folder: Path, option: str, name: str, by_variable: bool) -> None:
    given = ("env", ELSEWHERE) if by_variable else (ELSEWHERE[name], {})
    result = run("sandbox", "--folder", str(folder), "--port", "0", option, given[0], env=given[1])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("payseal: ")
    assert HIDDEN not in result.output


@pytest.mark.parametrize("url", ["nonsense", "memory://x", f"mysql://user:{HIDDEN}@host/name"])
def test_what_is_no_ledger_is_said(run: Run, folder: Path, url: str) -> None:
    result = run("sandbox", "--folder", str(folder), "--port", "0", "--ledger", url, env={})
    assert result.exit_code == 2
    assert HIDDEN not in result.output
    assert "ledger" in result.stderr or "memory" in result.stderr


def test_with_a_ledger_in_valkey_and_accounts_in_postgresql_all_is_as_before(run: Run, folder: Path) -> None:
    with closing(ValkeyServer()) as valkey, closing(PostgresServer()) as postgres:
        elsewhere = {"PAYSEAL_LEDGER": valkey.url, "PAYSEAL_DATABASE": postgres.url}
        command = ("sandbox", "--folder", str(folder), "--port", "0", "--ledger", "env", "--database", "env", "--walkthrough", "--once")
        assert run(*command, env=elsewhere).exit_code == 0
        keys = (folder / "keys.toml").read_text("utf-8")
        assert run(*command, env=elsewhere).exit_code == 0
        assert (folder / "keys.toml").read_text("utf-8") == keys
        assert valkey.client.dbsize() > 10
        assert postgres.execute("SELECT count(*) > 10 FROM decisions") == [(True,)]
        assert not (folder / "ledger.db").exists()
        assert not (folder / "accounts.db").exists()
