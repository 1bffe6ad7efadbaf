"""scripts/audit: what pip-audit writes is read, and what it could not find out is a warning, or with ``--strict`` a failure."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from attacks.advisories import Unasked, main, read

ROOT = Path(__file__).parent.parent
#: In the form that pip-audit 2 writes with ``--format json``.
RECORDED = ROOT / "tests" / "fixtures" / "pip-audit.json"


def test_the_weaknesses_the_packages_left_out_and_how_many_were_looked_up() -> None:
    found, skipped, asked = read(RECORDED.read_text("utf-8"))
    assert [str(each) for each in found] == [
        "flask 0.5: PYSEC-2019-179, mended in 1.0",
        "flask 0.5: PYSEC-2018-66, mended in no version yet",
    ]
    assert skipped == ["payseal: Dependency not found on PyPI and could not be audited: payseal (0.1.0)"]
    assert asked == 2


@pytest.mark.parametrize(
    "text",
    [
        *("", "nothing", "[]", "{}", "null", '{"dependencies": []}', '{"dependencies": [{"name": "x", "vulns": [{}]}]}'),
        '{"dependencies": [{"name": "x", "skip_reason": "not found"}]}',
    ],
)
def test_what_says_nothing_is_not_taken_for_no_weakness(text: str) -> None:
    with pytest.raises(Unasked):
        read(text)


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_a_weakness_is_told_and_fails_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], strict: list[str], code: int
) -> None:
    said = tmp_path / "said"
    said.write_text("")
    assert main([str(RECORDED), str(said), *strict]) == code
    captured = capsys.readouterr()
    assert captured.out == "audit: 2 packages looked up, 2 known weaknesses\n"
    assert "warning: flask 0.5: PYSEC-2019-179, mended in 1.0" in captured.err
    clean = tmp_path / "clean.json"
    clean.write_text(json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}))
    assert main([str(clean), str(said), *strict]) == 0


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the script needs, with a pip-audit that is not one."""
    for name in ("scripts/audit", "attacks/advisories.py", "constraints.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    environment = tmp_path / ".venv-audit" / "bin"
    environment.mkdir(parents=True)
    (environment.parent / "installed").touch()
    return tmp_path


def audit(copy: Path, pip_audit: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script, where the environment's Python is this one line of shell."""
    python = copy / ".venv-audit" / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{pip_audit}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    command = ["sh", str(copy / "scripts" / "audit"), *arguments]
    environment = {**os.environ, "PYTHON": sys.executable, "RECORDED": str(RECORDED)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


#: pip-audit's last argument is the file that it writes to, and its exit code is 1 where it found something.
FINDS = 'for last; do :; done; cp "$RECORDED" "$last"; exit 1'
FAILS = "echo 'ConnectionError: no route to host' >&2; exit 1"


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_the_script_says_what_was_found(copy: Path, strict: tuple[str, ...], code: int) -> None:
    done = audit(copy, FINDS, *strict)
    assert (done.returncode, done.stdout) == (code, "audit: 2 packages looked up, 2 known weaknesses\n")
    assert "flask 0.5: PYSEC-2019-179" in done.stderr


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_without_a_network_it_is_a_warning(copy: Path, strict: tuple[str, ...], code: int) -> None:
    done = audit(copy, FAILS, *strict)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("audit: warning: the dependencies could not be looked up")
    assert "no route to host" in done.stderr


def test_another_option_is_told_how_it_is_used(copy: Path) -> None:
    assert audit(copy, FAILS, "--all").returncode == 2
