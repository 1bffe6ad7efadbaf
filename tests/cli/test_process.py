"""The command as a process of its own: how it starts, how it ends, and what it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import payseal
from payseal.cli.group import LazyGroup, Subcommand

from .conftest import KEYID, SECRET, Recorder, capture, process

SCHEME = ("--scheme", "fiserv-payments")


def test_version_and_help() -> None:
    done = process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"payseal {payseal.__version__}\n".encode(), b"")
    done = process("--help")
    assert done.returncode == 0
    for said in (b"Usage: payseal ", b"Exit codes:", b"130  interrupted", b"schemes", b"sandbox", b"never from an argument"):
        assert said in done.stdout


def test_help_imports_no_command_and_no_table_drawing() -> None:
    prelude = "import atexit\natexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))"
    loaded = process("--help", prelude=prelude).stderr.decode().split()
    assert "click" in loaded
    for name in ("payseal.cli.sign", "payseal.cli.sandbox", "rich", "rich.console", "ssl", "http.client"):
        assert name not in loaded


@pytest.mark.parametrize("name", ["schemes", "schemes list", "schemes show", "sign", "verify", "request"])
def test_every_command_has_a_help(name: str) -> None:
    from payseal.cli.group import payseal as command

    result = CliRunner().invoke(command, [*name.split(), "--help"], prog_name="payseal")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: payseal {name} ")
    if name in ("sign", "verify", "request", "schemes show"):
        assert f"\n  payseal {name} " in result.stdout  # an example, on a line of its own


def test_no_command_is_help_and_exit_code_2() -> None:
    done = process()
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Usage: payseal ")


def test_the_installed_script_is_the_same_command() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="payseal")
    assert script.value == "payseal.cli:main"
    assert script.load() is payseal.cli.main


def test_the_exit_codes() -> None:
    signer = payseal.Signer(payseal.scheme("fiserv-payments"), payseal.Credential(KEYID, SECRET))
    data = capture("POST", "/pay", signer.sign(payseal.Request("POST", "/pay", body=b"{}")), b"{}")
    for code, done in {
        0: process("verify", *SCHEME, stdin=data),
        1: process("verify", *SCHEME, stdin=data[:-1] + b"]"),
        2: process("verify", *SCHEME, stdin=data[:-1]),
        4: process("request", *SCHEME, "GET", "http://nonesuch.invalid/"),
    }.items():
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["click", "rich"])
@pytest.mark.parametrize("arguments", [("--help",), ("schemes", "list"), ()])
def test_without_click_or_rich_one_line_says_what_to_install(name: str, arguments: tuple[str, ...]) -> None:
    done = process(*arguments, prelude=f"sys.modules[{name!r}] = None")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == "payseal: the command line needs a part that is not installed: pip install 'payseal[cli]'\n"


def test_the_sandbox_without_the_server_extra_is_exit_code_3() -> None:
    names = ("fastapi", "uvicorn", "cryptography", "sqlalchemy", "starlette")
    done = process("sandbox", "--once", prelude=f"sys.modules.update(dict.fromkeys({names!r}))")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"pip install 'payseal[server]'" in done.stderr


@pytest.mark.parametrize(("at", "code"), [("at import", 3), ("when run", 3), ("of ours", 70)])
def test_a_subcommand_that_lacks_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, code: int) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    missing = "payseal.nonesuch" if at == "of ours" else "nonesuch_part"
    place = ("", f"import {missing}") if at == "when run" else (f"import {missing}", "pass")
    module = f"lacking_{at.replace(' ', '_')}"
    (tmp_path / f"{module}.py").write_text(f"import click\n{place[0]}\n@click.command()\ndef run():\n    {place[1]}\n", encoding="utf-8")
    group = LazyGroup("payseal", table={"x": Subcommand(module, "run", "Help.", "server")})
    result = CliRunner().invoke(group, ["x"])
    assert result.exit_code == code
    assert ("pip install 'payseal[server]'" in result.stderr) == (code == 3)


def test_a_command_that_does_not_exist_names_a_near_one() -> None:
    done = process("verfy")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"did you mean verify?" in done.stderr


@pytest.mark.parametrize("arguments", [("schemes", "show", "fiserv-payments", "--json"), ("--help",), ("schemes", "list")])
def test_a_reader_that_leaves_is_taken_quietly(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-W", "error", "-m", "payseal", *arguments]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=30, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_output_that_cannot_show_a_character_shows_its_number() -> None:
    done = process("schemes", "list", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert done.returncode == 0
    assert b"fiserv-payments" in done.stdout
    done = process("--help", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_interrupt_is_exit_code_130(recorder: Recorder) -> None:
    recorder.silent = True
    command = [sys.executable, "-m", "payseal", "request", *SCHEME, "GET", recorder.url("/x")]
    env = {**os.environ, "PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": SECRET}

    def listening() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what runs in the background of a script is started deaf to it

    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=listening) as running:
        assert recorder.arrived.wait(20)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=20)
    assert (running.returncode, stdout) == (130, b"")
    assert stderr.strip() == b"payseal: interrupted"


@pytest.mark.parametrize("traced", [False, True])
def test_a_mistake_of_ours_is_one_line_without_a_value(monkeypatch: pytest.MonkeyPatch, traced: bool) -> None:
    def fail() -> None:
        secret = "distinctive"
        try:
            int(secret)
        except ValueError as error:
            raise KeyError(secret) from error

    group = LazyGroup("payseal", table={"x": Subcommand("unused", "unused", "Help.")})
    monkeypatch.setattr(group, "get_command", lambda ctx, name: click.Command("x", callback=fail))
    monkeypatch.setenv("PAYSEAL_TRACEBACK", "1" if traced else "0")
    result = CliRunner().invoke(group, ["x"])
    assert (result.exit_code, result.stdout) == (70, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("payseal: internal error in test_process.py, line ")
    assert "KeyError" in last
    assert "PAYSEAL_TRACEBACK=1" in last
    assert "= 'distinctive'" not in result.stderr
    assert ("ValueError" in result.stderr) == ("in fail\n" in result.stderr) == traced
    assert len(result.stderr.splitlines()) == 1 or traced
