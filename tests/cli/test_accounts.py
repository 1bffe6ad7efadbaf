"""``payseal accounts``, ``keys``, ``audit`` and ``db``: the operator's day, from an empty folder."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from payseal import Credential, Request, Signer, scheme
from payseal.server.accounts import AccountVerifier, Database, Directory, KeyRing
from payseal.server.accounts.keyring import add_master_key

from .conftest import Run


class Operator:
    """Runs commands on a database in a folder of its own."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.folder, self._run = folder, run
        self.env = {"PAYSEAL_DATABASE": f"sqlite:///{folder / 'payseal.db'}"}

    def __call__(self, *args: str) -> Result:
        options = [] if args[0] == "audit" else ["--master-keys", str(self.folder / "master.keys")]
        return self._run(*args[:2], *options, *args[2:], env=self.env)

    def good(self, *args: str) -> Result:
        result = self(*args)
        assert result.exit_code == 0, result.output
        return result

    def issued(self, *args: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.good(*args, "--json").stdout)
        return found


@pytest.fixture
def operator(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.delenv("PAYSEAL_MASTER_KEYS", raising=False)
    made = Operator(run, tmp_path)
    made.good("db", "upgrade")
    made.good("db", "new-master-key")
    made.good("accounts", "create", "acme", "--title", "Acme Shop")
    return made


def test_the_first_day(operator: Operator) -> None:
    folder = operator.folder
    for path in (folder / "payseal.db", folder / "master.keys"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = json.loads(operator.good("accounts", "show", "acme", "--json").stdout)
    assert (shown["title"], shown["switches"], shown["networks"]) == (
        "Acme Shop",
        {"require_signed_transfers": True, "accept_unkeyed_digests": False},
        [],
    )
    operator.good("accounts", "switch", "acme", "require_signed_transfers", "off")
    operator.good("accounts", "allow-ip", "acme", "192.0.2.0/24")
    text = operator.good("accounts", "show", "acme").stdout
    assert re.search(r"require_signed_transfers\s+off", text)
    assert "192.0.2.0/24" in text
    operator.good("accounts", "remove-ip", "acme", "192.0.2.0/24")
    operator.good("accounts", "disable", "acme")
    assert "disabled" in operator.good("accounts", "list").stdout
    operator.good("accounts", "enable", "acme")
    trail = json.loads(operator.good("audit", "list", "--json").stdout)
    assert [line["action"] for line in trail][::-1] == [
        "master-key.create", "account.create", "account.switch", "account.allow-ip", "account.remove-ip", "account.disable", "account.enable",
    ]  # fmt: skip
    assert all(line["actor"].startswith("cli:") for line in trail)
    assert "account.switch" in operator.good("audit", "list", "--account", "acme", "--limit", "5").stdout


def test_a_secret_is_on_standard_output_once(operator: Operator) -> None:
    made = operator.good("keys", "create", "acme", "--scheme", "startbutton-transfer", "--label", "first")
    parts = dict(re.findall(r'^(keyid|secret|token) = "([A-Za-z0-9]+)"$', made.stdout, re.MULTILINE))
    assert set(parts) == {"keyid", "secret", "token"}
    assert "shown once" in made.stderr
    for value in (parts["secret"], parts["token"]):
        assert made.stdout.count(value) == 1
        assert value not in made.stderr
        for command in (("keys", "list"), ("keys", "list", "--json"), ("audit", "list"), ("accounts", "show", "acme"), ("db", "check")):
            assert value not in operator.good(*command).output
    (row,) = json.loads(operator.good("keys", "list", "--json").stdout)
    assert (row["keyid"], row["label"], row["state"], row["token"]) == (parts["keyid"], "first", "active", True)


def test_what_is_issued_signs_and_verifies(operator: Operator) -> None:
    issued = operator.issued("keys", "create", "acme", "--scheme", "fiserv-payments", "--set", "created.format=unix")
    rotated = operator.issued("keys", "rotate", issued["keyid"], "--overlap", "12h")
    assert rotated["keyid"] == issued["keyid"]
    database = Database.open(operator.env["PAYSEAL_DATABASE"])
    try:
        with Directory(database, KeyRing.load(operator.folder / "master.keys")) as directory:
            verifier = AccountVerifier(directory, "fiserv-payments")
            for each in (issued, rotated):
                signer = Signer(scheme("fiserv-payments", created={"format": "unix"}), Credential(each["keyid"], each["secret"]))
                request = Request("POST", "/", headers=signer.sign(Request("POST", "/", body=b"{}")), body=b"{}")
                assert verifier.verify(request).account == "acme"
    finally:
        database.close()
    assert "rotating until" in operator.good("keys", "list", "--account", "acme").stdout
    operator.good("keys", "expire", issued["keyid"], "90d")
    operator.good("keys", "expire", issued["keyid"], "never")
    operator.good("keys", "expire", issued["keyid"], "2199-01-31T12:00:00Z")
    operator.good("keys", "revoke", issued["keyid"])
    assert json.loads(operator.good("keys", "list", "--json").stdout)[0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("accounts", "create", "acme"), "already"),
        (("accounts", "create", "Not An Id"), "lower-case"),
        (("accounts", "show", "nobody"), "no account 'nobody'"),
        (("accounts", "switch", "acme", "nothing", "on"), "there are: require_signed_transfers"),
        (("accounts", "allow-ip", "acme", "300.1.1.1"), "networks such as"),
        (("keys", "create", "acme", "--scheme", "fiserv-payment"), "did you mean 'fiserv-payments'"),
        (("keys", "create", "acme", "--scheme", "fiserv-payments", "--set", "created.format=minutes"), "created.format"),
        (("keys", "create", "acme", "--scheme", "fiserv-payments", "--set", "created.tolerance=9000"), "ids are remembered"),
        (("keys", "create", "acme", "--scheme", "fiserv-payments", "--not-after", "tomorrow"), "2027-01-31"),
        (("keys", "create", "acme", "--scheme", "fiserv-payments", "--not-after", "2020-01-31"), "in the future"),
        (("keys", "rotate", "nobody"), "no credential"),
        (("keys", "rotate", "nobody", "--overlap", "soon"), "90s"),
        (("keys", "revoke", "nobody"), "no credential"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(operator: Operator, args: tuple[str, ...], says: str) -> None:
    result = operator(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("payseal: ")
    assert says in line


def test_the_master_key_changes_and_the_old_one_can_go(operator: Operator) -> None:
    operator.issued("keys", "create", "acme", "--scheme", "startbutton-transfer")
    operator.good("db", "new-master-key")
    path = operator.folder / "master.keys"
    new, old = KeyRing.load(path).ids
    assert f"{new} (primary): 0 secrets" in operator.good("db", "check").stdout
    assert f"2 secrets sealed with {new}; no longer needed for this database: {old}" in operator.good("db", "rewrap").stderr
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith(f"{old}:")))
    checked = json.loads(operator.good("db", "check", "--json").stdout)
    assert (checked["sealed_with"], checked["master_keys"], checked["problems"]) == ({new: 2}, [new], [])


def test_a_missing_master_key_is_said_and_never_made_anew(operator: Operator) -> None:
    issued = operator.issued("keys", "create", "acme", "--scheme", "fiserv-payments")
    path = operator.folder / "master.keys"
    kept = path.read_text()
    path.unlink()
    for args in (
        ("keys", "create", "acme", "--scheme", "fiserv-payments"),
        ("keys", "rotate", issued["keyid"]),
        ("db", "rewrap"),
        ("db", "new-master-key"),
    ):
        result = operator(*args)
        assert result.exit_code == 2
        assert "from a copy" in result.stderr
        assert not path.exists()
    checked = operator("db", "check")
    assert checked.exit_code == 1
    assert "missing" in checked.stderr
    add_master_key(path)  # another's keys are not these
    for args in (
        ("keys", "create", "acme", "--scheme", "fiserv-payments"),
        ("keys", "rotate", issued["keyid"]),
        ("db", "rewrap"),
        ("db", "new-master-key"),
    ):
        result = operator(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "nothing was changed" in result.stderr
    path.write_text(kept)
    path.chmod(0o644)
    assert "chmod 600" in operator("keys", "rotate", issued["keyid"]).stderr
    path.unlink()
    operator.good("keys", "revoke", issued["keyid"])  # an end needs no key


def test_a_database_that_is_not_there_or_not_of_today(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    for command in (("accounts", "list"), ("keys", "list"), ("audit", "list"), ("db", "check")):
        result = run(*command, "--database", url, env={})
        assert (result.exit_code, result.stdout) == (2, "")
        assert "payseal db upgrade" in result.stderr
        assert not (tmp_path / "other.db").exists()
    assert run("db", "upgrade", "--database", url, env={}).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "other.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (("accounts", "list"), ("db", "upgrade")):
        result = run(*command, "--database", url, env={})
        assert result.exit_code == 2
        assert "newer payseal" in result.stderr


def test_a_password_is_never_repeated(run: Run) -> None:
    for url in ("postgresql://u:hunter2@127.0.0.1:1/x", "mysql://u:hunter2@h/x", "postgresql://u:hunter2@h:port/x", "hunter2"):
        result = run("db", "check", env={"PAYSEAL_DATABASE": url})
        assert result.exit_code == 2
        assert "hunter2" not in result.output


def test_backup_and_restore_as_the_documentation_has_it(operator: Operator) -> None:
    issued = operator.issued("keys", "create", "acme", "--scheme", "fiserv-payments")
    copy = operator.folder / "backup.db"
    operator.good("db", "backup", str(copy))
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert operator("db", "backup", str(copy)).exit_code == 2
    operator.good("keys", "revoke", issued["keyid"])
    for path in operator.folder.glob("payseal.db*"):  # the file and its journal: servers are stopped
        path.unlink()
    copy.rename(operator.folder / "payseal.db")
    operator.good("db", "check")
    assert json.loads(operator.good("keys", "list", "--json").stdout)[0]["state"] == "active"


def test_every_command_of_the_operations_page_is_one(run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    used = set(re.findall(r"(?:^|`)payseal ([a-z]+) ([a-z-]+)", page, re.MULTILINE))
    assert len(used) > 12
    for group, command in used:
        assert run(group, command, "--help").exit_code == 0, f"payseal {group} {command}"
    for option in set(re.findall(r"payseal [a-z]+ [a-z-]+.*? (--[a-z-]+)", page)):
        assert any(option in run(group, command, "--help").output for group, command in used), option
