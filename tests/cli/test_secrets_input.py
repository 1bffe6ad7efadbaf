"""Where secrets come from, in which order, and what is said when one is missing or in the wrong place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import payseal
from payseal.cli import secrets_input

from .conftest import Run

PINNED = ("--created", "1729620420.123", "--nonce", "30dd879c-ee2f-41db-8314-0800200c9a66", "--format", "json", "/x")
SIGN = ("sign", "--scheme", "fiserv-payments", *PINNED)
DIGEST = ("sign", "--scheme", "commercehub-digest", *PINNED)
NONE: dict[str, str] = {}


def headers(keyid: str, secret: str | bytes | None = None, token: str | None = None, scheme: str = "fiserv-payments") -> dict[str, str]:
    signer = payseal.Signer(payseal.scheme(scheme), payseal.Credential(keyid, secret, token))
    return signer.sign(payseal.Request("GET", "/x"), created=1729620420.123, nonce=PINNED[3])


def private(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3", b"s3"),
        (b"s3\n", b"s3"),
        (b"s3\r\n", b"s3"),
        (b" s3 \n", b" s3 "),
        (b"s3\t", b"s3\t"),
        (b"\xef\xbb\xbfs3\n", b"\xef\xbb\xbfs3"),
        (b"\xff\x00\xfe\n", b"\xff\x00\xfe"),
        ("clé\n".encode(), "clé".encode()),
    ],
)
def test_one_newline_at_the_end_of_a_file_is_taken_off_and_nothing_else(run: Run, tmp_path: Path, content: bytes, secret: bytes) -> None:
    result = run(*SIGN, "--keyid", "k", "--secret-file", private(tmp_path / "s", content), env=NONE)
    assert json.loads(result.stdout) == headers("k", secret)
    odd = secret != secret.strip() or secret.startswith(b"\xef\xbb\xbf")
    assert ("begins or ends with a blank" in result.stderr) == odd


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"a\nb\n", "more than one line"),
        (b"a\n\n", "more than one line"),
        (b"\na", "more than one line"),
        (b"a\rb", "more than one line"),
        (b"a" * 70_000, "is larger than"),
    ],
)
@pytest.mark.parametrize("option", ["--secret-file", "--token-file"])
def test_a_file_that_is_not_one_line_is_refused(run: Run, tmp_path: Path, option: str, content: bytes, said: str) -> None:
    result = run(*SIGN, "--keyid", "k", option, private(tmp_path / "s", content), env=NONE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert option in result.stderr


def test_a_secret_given_as_its_own_path_is_not_quoted(run: Run) -> None:
    for path in ("distinctive", "distinctive\0", "."):
        result = run(*SIGN, "--keyid", "k", "--secret-file", path, env=NONE)
        assert result.exit_code == 2
        assert "takes the path of a file" in result.stderr
        assert "distinctive" not in result.output


def test_a_file_that_others_can_read_is_warned_of(run: Run, tmp_path: Path) -> None:
    if os.name != "posix":
        return  # nowhere else are there such bits
    path = private(tmp_path / "s", "s3")
    for mode, warned in ((0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o644, True)):
        os.chmod(path, mode)
        result = run(*SIGN, "--keyid", "k", "--secret-file", path, env=NONE)
        assert result.exit_code == 0
        assert ("can be read by other users" in result.stderr) == warned


def test_the_environment(run: Run) -> None:
    result = run(*SIGN, env={"PAYSEAL_KEYID": "k", "PAYSEAL_SECRET": " s3"})
    assert json.loads(result.stdout) == headers("k", " s3")
    result = run(*DIGEST, env={"PAYSEAL_KEYID": "k", "PAYSEAL_TOKEN": "tok"})
    assert json.loads(result.stdout) == headers("k", None, "tok", "commercehub-digest")
    assert run(*SIGN, env={"PAYSEAL_KEYID": "k", "PAYSEAL_SECRET": "a\nb"}).exit_code == 2
    assert run(*SIGN, env={"PAYSEAL_KEYID": "k", "PAYSEAL_SECRET": ""}).exit_code == 2


def test_options_come_before_the_credentials_file_and_that_before_the_environment(run: Run, tmp_path: Path) -> None:
    env = {"PAYSEAL_KEYID": "env-k", "PAYSEAL_SECRET": "env-s", "PAYSEAL_TOKEN": "env-t"}
    secret = private(tmp_path / "s", "file-s\n")
    assert json.loads(run(*SIGN, "--keyid", "k", "--secret-file", secret, env=env).stdout) == headers("k", "file-s")
    toml = private(tmp_path / "c.toml", '[a]\nkeyid = "toml-k"\nsecret = "toml-s"\n')
    assert json.loads(run(*SIGN, "--credentials", toml, env=env).stdout) == headers("toml-k", "toml-s")
    assert json.loads(run(*DIGEST, "--credentials", toml, env=env).stdout) == headers("toml-k", None, "env-t", "commercehub-digest")
    both = run(*SIGN, "--credentials", toml, "--keyid", "k", env=env)
    assert (both.exit_code, both.stdout) == (2, "")
    assert "the keyid is in the credentials file and given by an option too" in both.stderr


def test_credentials_files(run: Run, tmp_path: Path) -> None:
    path = private(tmp_path / "c.toml", '[live]\nkeyid = "k1"\nsecret = ["old", "new"]\n[test]\nkeyid = "k2"\nsecret = "s"\ntoken = "t"\n')
    assert json.loads(run(*SIGN, "--credentials", path, "--credential", "live", env=NONE).stdout) == headers("k1", "new")
    assert json.loads(run(*SIGN, "--credentials", path, "--credential", "test", env=NONE).stdout) == headers("k2", "s")
    result = run(*DIGEST, "--credentials", path, "--credential", "test", env=NONE)
    assert json.loads(result.stdout) == headers("k2", None, "t", "commercehub-digest")
    for options, said in (
        (("--credentials", path), "choose with --credential live|test"),
        (("--credentials", path, "--credential", "distinctive"), "names none of those in the file: live, test"),
        (("--credential", "live"), "give both"),
        (("--credentials", "distinctive"), "cannot be read"),
    ):
        result = run(*SIGN, *options, env=NONE)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert "distinctive" not in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "one table for each credential"),
        ('secret = "distinctive"\n', "one table for each credential"),
        ("[a]\nsecret = distinctive\n", "not TOML (at line 2, column 10)"),
        ('[a]\nsecret = "distinctive', "not TOML (at end of document)"),
        ("[a]\nsecret = 2024-99-99\n", "not TOML"),
        ("distinctive", "not TOML"),
        (b"\xffdistinctive", "not UTF-8"),
        ("[a]\nsecret = 123456\n", "[a] in the file of --credentials"),
        ('[a]\nsecret = ["distinctive", ""]\n', "none is empty"),
        ('[a]\nsecret = ["distinctive", 1]\n', "list of texts"),
        ('[a]\nkeyid = 1\nsecret = "distinctive"\n', "are text"),
        ('[a]\nsecert = "distinctive"\n', "'secert'; there are keyid, secret, token"),
        ('[a]\nsecret = "distinctive\\n"\n', "more than one line"),
        ('[a]\nkeyid = "k k"\nsecret = "distinctive"\n', "visible ASCII"),
        ('[a]\nkeyid = "k"\nsecret = "distinctive"\ntoken = "é"\n', "visible ASCII"),
    ],
)
def test_a_credentials_file_that_is_wrong_is_never_quoted(run: Run, tmp_path: Path, content: str | bytes, said: str) -> None:
    result = run(*SIGN, "--credentials", private(tmp_path / "c.toml", content), env=NONE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "distinctive" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["sign", "verify", "request", None])
@pytest.mark.parametrize("word", ["secret", "token"])
@pytest.mark.parametrize("form", ["--{}=distinctive", "--{} distinctive", "distinctive --{}"])
def test_a_secret_as_an_argument_is_refused_with_the_reason(run: Run, command: str | None, word: str, form: str) -> None:
    given = form.format(word).split()
    if command is None and given[0] == "distinctive":
        given.reverse()
    arguments = [command, "--scheme", "fiserv-payments", *given] if command else given
    result = run(*arguments, env=NONE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--{word} is not taken: an argument can be read by every user" in result.stderr
    assert f"PAYSEAL_{word.upper()}" in result.stderr
    assert f"--{word}-file" in result.stderr
    assert "distinctive" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (SIGN, {"PAYSEAL_SECRET": "s"}, "fiserv-payments needs a keyid and there is none: give --keyid, set PAYSEAL_KEYID"),
        (SIGN, {"PAYSEAL_KEYID": "k"}, "fiserv-payments needs a secret and there is none: set PAYSEAL_SECRET, or give --secret-file"),
        (DIGEST, {"PAYSEAL_KEYID": "k"}, "commercehub-digest needs a token and there is none: set PAYSEAL_TOKEN"),
        (("verify", "--scheme", "startbutton-transfer"), NONE, "startbutton-transfer needs a secret"),
    ],
)
def test_what_is_missing_is_named_with_every_way_to_give_it(run: Run, arguments: tuple[str, ...], env: dict[str, str], said: str) -> None:
    result = run(*arguments, env=env)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_person_is_asked_without_echo(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_input, "someone_is_there", lambda: True)
    result = run(*SIGN, stdin="typed-secret\n", env={"PAYSEAL_KEYID": "k"})
    assert json.loads(result.stdout) == headers("k", "typed-secret")
    assert "secret for fiserv-payments" in result.stderr
    assert "typed-secret" not in result.stderr
    result = run(*DIGEST, stdin="typed-token\n", env={"PAYSEAL_KEYID": "k"})
    assert json.loads(result.stdout) == headers("k", None, "typed-token", "commercehub-digest")
    assert run(*SIGN, stdin="", env={"PAYSEAL_KEYID": "k"}).exit_code == 130


def test_a_scheme_is_asked_only_for_what_it_needs(run: Run) -> None:
    assert run("sign", "--scheme", "startbutton-transfer", "/x", env={"PAYSEAL_SECRET": "s"}).exit_code == 0
    both = {"PAYSEAL_SECRET": "s", "PAYSEAL_TOKEN": "tok"}
    assert "Authorization: Bearer tok" in run("sign", "--scheme", "startbutton-transfer", "/x", env=both).stdout
    assert run("sign", "--scheme", "startbutton-webhook", "/x", env={"PAYSEAL_SECRET": "s"}).exit_code == 0
    assert run("sign", "--scheme", "commercehub-digest-sha256", "/x", env={"PAYSEAL_KEYID": "k", "PAYSEAL_TOKEN": "t"}).exit_code == 0
