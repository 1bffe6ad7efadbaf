"""``payseal users``: the people who may use the console, from the command line."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result

from payseal.cli import users as command
from payseal.server.accounts import Database
from payseal.server.users import LinkStore, SessionStore, UserStore

from .conftest import Run

PASSWORD = "Dist1nctive pass phrase"


class Operator:
    """Runs ``payseal users`` on a database of its own."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.url = f"sqlite:///{folder / 'payseal.db'}"
        self.database = Database.open(self.url, create=True)

    def __call__(self, *args: str, stdin: str = "", group: str = "users", **env: str) -> Result:
        result = self._run(group, *args, stdin=stdin, env={"PAYSEAL_DATABASE": self.url, **env})
        assert PASSWORD not in result.output
        assert "traceback" not in result.output.lower()
        return result

    def good(self, *args: str, stdin: str = "", group: str = "users", **env: str) -> Result:
        result = self(*args, stdin=stdin, group=group, **env)
        assert result.exit_code == 0, result.output
        return result

    def lets_in(self, name: str, password: str = PASSWORD) -> bool:
        return UserStore(self.database).verify_password(name, password) is not None


@pytest.fixture
def operator(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.delenv("PAYSEAL_PASSWORD", raising=False)
    made = Operator(run, tmp_path)
    made.good("create", "acme", group="accounts")
    made.good("add", "Ada", "--role", "operator")
    made.good("add", "bob@example.com", "--role", "merchant", "--account", "acme")
    return made


def test_users_are_listed(operator: Operator) -> None:
    listed = json.loads(operator.good("list", "--json").stdout)
    assert [(each["name"], each["role"], each["account"], each["disabled"], each["has_password"]) for each in listed] == [
        ("ada", "operator", None, None, False),
        ("bob@example.com", "merchant", "acme", None, False),
    ]
    operator.good("password", "ada", PAYSEAL_PASSWORD=PASSWORD)
    operator.good("disable", "bob@example.com")
    rows = operator.good("list").stdout.splitlines()
    assert re.search(r"^ada +operator .* set +enabled", rows[2])
    assert re.search(r"^bob@example.com +merchant +acme .* none +disabled", rows[3])
    operator.good("enable", "bob@example.com")
    assert "disabled" not in operator.good("list").stdout


def test_a_password_from_the_environment_or_a_file(operator: Operator, tmp_path: Path) -> None:
    assert operator.good("password", "ADA", PAYSEAL_PASSWORD=PASSWORD).stdout == ""
    assert operator.lets_in("ada")
    path = tmp_path / "password"
    path.write_text("größer als zwölf\n", "utf-8")
    path.chmod(0o600)
    assert (
        operator.good("password", "ada", "--password-file", str(path), PAYSEAL_PASSWORD=PASSWORD).stderr == "payseal: the password is set\n"
    )
    assert operator.lets_in("ada", "größer als zwölf")
    path.chmod(0o644)
    assert "chmod 600" in operator.good("password", "ada", "--password-file", str(path)).stderr


def test_a_password_is_asked_for_twice(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "someone_is_there", lambda: True)
    result = operator.good("password", "ada", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert (result.stdout, result.stderr.count("password")) == ("", 2)
    assert operator.lets_in("ada")
    operator.good("password", "ada", stdin=f"{PASSWORD}\nanother one, longer\nthe third is right\nthe third is right\n")
    assert operator.lets_in("ada", "the third is right")


def test_what_is_typed_at_a_terminal_is_not_shown(operator: Operator) -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "payseal", "users", "password", "ada"]
    process = subprocess.Popen(
        arguments, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "PAYSEAL_DATABASE": operator.url}, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    for prompt in (b"new password: ", b"the same again: "):
        while not shown.endswith(prompt):
            shown += os.read(ours, 1000)
        time.sleep(0.2)  # it turns the echo off around the prompt
        os.write(ours, PASSWORD.encode() + b"\n")
    try:
        while piece := os.read(ours, 1000):
            shown += piece
    except OSError:  # as Linux says that the other end is closed
        pass
    assert process.wait(timeout=30) == 0
    os.close(ours)
    assert b"the password is set" in shown
    assert PASSWORD.encode() not in shown
    assert operator.lets_in("ada")


def test_a_link_is_printed_alone_and_works_once(operator: Operator) -> None:
    for options, base in (
        ((), "http://127.0.0.1:8700"),
        (("--url", "https://pay.example.com/"), "https://pay.example.com"),
        (("--url", "http://[::1]:8701/below"), "http://[::1]:8701/below"),
    ):
        result = operator.good("link", "ada", *options)
        found = re.fullmatch(rf"{re.escape(base)}/console/link#([A-Za-z0-9_-]{{43}})\n", result.stdout)
        assert found is not None
        assert found[1] not in result.stderr
        assert "once" in result.stderr
        links = LinkStore(operator.database)
        redeemed = links.redeem(found[1])
        assert redeemed is not None
        assert redeemed.name == "ada"
        assert links.redeem(found[1]) is None
        assert found[1] not in operator.good("list", group="audit").stdout


def test_signing_out_says_how_often(operator: Operator) -> None:
    sessions, ada = SessionStore(operator.database), UserStore(operator.database).get("ada")
    token = sessions.begin(ada, client=None, agent="")
    assert operator.good("sign-out", "ada").stderr == "payseal: 1 session ended\n"
    assert sessions.find(token) is None
    assert operator.good("sign-out", "ada").stderr == "payseal: 0 sessions ended\n"
    trail = json.loads(operator.good("list", "--json", group="audit").stdout)
    assert trail[0]["action"] == "session.end_all"
    assert trail[0]["actor"].startswith("cli:")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("add", "ada", "--role", "operator"), "already"),
        (("add", "a b", "--role", "operator"), "1 to 64 letters"),
        (("add", "eve"), "--role"),
        (("add", "eve", "--role", "owner"), "operator"),
        (("add", "eve", "--role", "merchant"), "name it"),
        (("add", "eve", "--role", "merchant", "--account", "nobody"), "payseal accounts list"),
        (("add", "eve", "--role", "operator", "--account", "acme"), "name none"),
        (("disable", "nobody"), "payseal users list"),
        (("enable", "nobody"), "payseal users list"),
        (("link", "nobody"), "payseal users list"),
        (("sign-out", "nobody"), "payseal users list"),
        (("password", "nobody"), "payseal users list"),
        (("password", "ada"), "set PAYSEAL_PASSWORD, or give --password-file"),
        (("password", "ada", PASSWORD), "1 argument too many"),
        (("password", "ada", "--password", PASSWORD), "--password is not taken"),
        (("password", "ada", f"--password={PASSWORD}"), "--password is not taken"),
        (("password", "ada", "--password-file", PASSWORD), "takes the path of a file"),
        (("password", PASSWORD), "payseal users list"),
        (("link", "ada", "--url", "javascript:alert(1)"), "--url takes"),
        (("link", "ada", "--url", f"https://u:{PASSWORD}@example.com"), "--url takes"),
        (("link", "ada", "--url", "https://example.com/?a=b"), "--url takes"),
        (("link", "ada", "--url", "https://example.com/#a"), "--url takes"),
        (("link", "ada", "--url", "https://[example"), "--url takes"),
        (("link", "ada", "--url", "https:///console"), "--url takes"),
        (("link", "ada", "--url", "https://example.com:99999"), "--url takes"),
        (("link", "ada", "--url", "https://example.com/\x1b"), "--url takes"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(operator: Operator, args: tuple[str, ...], says: str) -> None:
    result = operator(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("payseal: ")
    assert says in line
    assert len(UserStore(operator.database).list()) == 2


@pytest.mark.parametrize(
    ("password", "says"),
    [("short", "12 characters"), ("x" * 1025, "1024 characters"), ("Bob@Example.com", "own name"), ("two lines\nof words", "one line")],
    ids=["short", "long", "name", "lines"],
)
def test_a_password_that_is_not_taken(operator: Operator, password: str, says: str) -> None:
    result = operator("password", "bob@example.com", PAYSEAL_PASSWORD=password)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert password not in result.stderr
    assert not operator.lets_in("bob@example.com", password)


def test_a_password_file_that_is_no_text(operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"\xff" * 20)
    path.chmod(0o600)
    result = operator("password", "ada", "--password-file", str(path))
    assert (result.exit_code, result.stderr.splitlines()[0]) == (2, result.stderr.rstrip("\n"))
    assert "UTF-8" in result.stderr
