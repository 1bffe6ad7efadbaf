"""A secret is given in every way there is, right and wrong, and nothing that comes out holds it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

import payseal
from payseal.cli import secrets_input, sign

from .conftest import Recorder, Run, capture, process

SECRET = "Dist1nctive-s3cret/+="
TOKEN = "Dist1nctive-t0ken"
ENV = {"PAYSEAL_KEYID": "k", "PAYSEAL_SECRET": SECRET, "PAYSEAL_TOKEN": TOKEN}
KEYED = ("--scheme", "fiserv-payments")


def assert_hidden(output: bytes | str, *hidden: str) -> None:
    text = output if isinstance(output, bytes) else output.encode()
    for value in hidden or (SECRET, TOKEN):
        for form in (
            value.encode(),
            value.encode().hex().encode(),
            base64.b64encode(value.encode()).rstrip(b"="),
            json.dumps(value).encode(),
        ):
            assert form not in text


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    contents = {
        "secret": SECRET + "\n",
        "token": TOKEN + "\n",
        "two lines": f"{SECRET}\n{TOKEN}\n",
        "credentials": f'[a]\nkeyid = "k"\nsecret = ["older", "{SECRET}"]\ntoken = "{TOKEN}"\n',
        "two": f'[a]\nsecret = "{SECRET}"\n[b]\nsecret = "{TOKEN}"\n',
        "broken": f'[a]\nsecret = "{SECRET}\ntoken = {TOKEN}\n',
        "flat": f'keyid = "k"\nsecret = "{SECRET}"\n',
        "number": "[a]\nsecret = 12345678901234567890\n",
        "open": SECRET,
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(0o644 if name == "open" else 0o600)
    return {name: str(tmp_path / name) for name in contents}


def ways(files: dict[str, str]) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Options and environment: each way to give a secret, and each mistake that is easily made with one."""
    return [
        ((), ENV),
        (("--keyid", "k", "--secret-file", files["secret"], "--token-file", files["token"]), {}),
        (("--keyid", "k", "--secret-file", files["open"]), {}),
        (("--credentials", files["credentials"]), {}),
        (("--secret-file", files["two lines"]), {}),
        (("--token-file", files["two lines"]), {}),
        (("--credentials", files["two"]), {}),
        (("--credentials", files["broken"]), {}),
        (("--credentials", files["flat"]), {}),
        (("--credentials", files["number"]), {}),
        (("--credentials", files["secret"]), {}),
        (("--credentials", files["credentials"], "--secret-file", files["secret"]), ENV),
        (("--credentials", files["credentials"], "--credential", SECRET), {}),
        (("--secret", SECRET), {}),
        ((f"--secret={SECRET}",), ENV),
        (("--token", TOKEN), ENV),
        (("--secret-file", SECRET), {}),
        (("--token-file", TOKEN), {}),
        (("--credentials", SECRET), {}),
        ((f"--secrets={SECRET}",), ENV),
        ((), {**ENV, "PAYSEAL_SECRET": f"{SECRET}\n{SECRET}"}),
        ((), {**ENV, "PAYSEAL_TOKEN": f"{TOKEN} é"}),
        ((), {**ENV, "PAYSEAL_KEYID": "k k"}),
    ]


#: Where a secret may be put by mistake.
MISTAKES = [
    ("--set", SECRET),
    ("--header", SECRET),
    ("--header", f"X-Bad\r: {SECRET}"),
    ("--body", f"/nonesuch/{SECRET}"),
    (SECRET,),
    ("more", SECRET),
]
ONLY_SIGN = [("--created", SECRET), ("--nonce", f"{SECRET} "), ("--method", SECRET), ("--format", SECRET)]


def test_sign(run: Run, files: dict[str, str]) -> None:
    for options, env in ways(files):
        for form in ("text", "json", "curl"):
            result = run("sign", *KEYED, *options, "--format", form, "https://x.example/", env=env)
            assert_hidden(result.output)
            assert_hidden(repr(result.exception))
    for mistake in [*MISTAKES, *ONLY_SIGN]:
        result = run("sign", *KEYED, "/x", *mistake, env=ENV)
        assert result.exit_code == 2
        assert_hidden(result.output)


def test_the_token_is_shown_by_sign_alone_where_the_scheme_sends_it(run: Run) -> None:
    result = run("sign", "--scheme", "commercehub-digest", "/x", env=ENV)
    assert f"Authorization: Bearer {TOKEN}\n" in result.stdout
    assert_hidden(result.output, SECRET)


def test_verify(run: Run, files: dict[str, str]) -> None:
    credential = payseal.Credential("k", SECRET, TOKEN)
    for name in ("fiserv-payments", "commercehub-digest", "startbutton-transfer"):
        signer = payseal.Signer(payseal.scheme(name), credential)
        data = capture("POST", "/x", signer.sign(payseal.Request("POST", "/x", body=b"{}")), b"{}")
        for options, env in ways(files):
            for stdin in (data, data[:-1], data[:-1] + b"]", data + b"\n", data.replace(b"\r\n\r\n", b"\r\n"), data.replace(b"HTTP", b"")):
                assert_hidden(run("verify", "--scheme", name, *options, stdin=stdin, env=env).output)
        for place in (b"POST /x", b" HTTP/1.1", b": ", b"\r\n\r\n"):
            odd = data.replace(place, place + f"{SECRET}\n".encode())
            assert_hidden(run("verify", "--scheme", name, stdin=odd, env=ENV).output)
    assert_hidden(run("verify", *KEYED, f"/nonesuch/{SECRET}", env=ENV).output)
    assert_hidden(run("verify", *KEYED, "--now", SECRET, env=ENV).output)


def test_request(run: Run, recorder: Recorder, files: dict[str, str]) -> None:
    for name in ("fiserv-payments", "commercehub-digest", "startbutton-transfer"):
        for options, env in ways(files):
            result = run("request", "--scheme", name, *options, "--verbose", "--json", "{}", "POST", recorder.url("/x"), env=env)
            assert_hidden(result.output)
    for mistake in [*MISTAKES, ("--timeout", SECRET), ("--json", SECRET)]:
        result = run("request", *KEYED, "POST", "http://127.0.0.1:1/", *mistake, env=ENV)
        assert_hidden(result.output)
    assert_hidden(run("request", *KEYED, SECRET, recorder.url("/"), env=ENV).output)
    assert_hidden(run("request", *KEYED, "GET", f"http://{SECRET}@127.0.0.1:1/", env=ENV).output)
    assert_hidden(run("request", *KEYED, "GET", "http://127.0.0.1:1/", env=ENV).output)


def test_a_secret_in_place_of_a_command(run: Run) -> None:
    for arguments in ((SECRET,), ("schemes", SECRET), ("schemes", "show", "fiserv-payments", SECRET), ("--secret", SECRET)):
        result = run(*arguments, env=ENV)
        assert result.exit_code == 2
        assert_hidden(result.output)


def test_a_prompt(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_input, "someone_is_there", lambda: True)
    result = run("sign", *KEYED, "/x", stdin=f"{SECRET}\n", env={"PAYSEAL_KEYID": "k"})
    assert result.exit_code == 0
    assert_hidden(result.output)


def test_a_mistake_of_ours_that_has_the_secret_in_its_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise RuntimeError(f"{SECRET} {TOKEN}")

    monkeypatch.setattr(sign, "Signer", broken)
    for traced in ("0", "1"):
        result = run("sign", *KEYED, "/x", env={**ENV, "PAYSEAL_TRACEBACK": traced})
        assert result.exit_code == 70
        assert "RuntimeError" in result.stderr
        assert_hidden(result.output)


def test_the_real_process_with_a_traceback(files: dict[str, str]) -> None:
    broken = (
        "import payseal.signing\ndef fail(*args):\n    raise RuntimeError(args[1].reveal_token())\npayseal.signing.Signer.__init__ = fail"
    )
    done = process("sign", *KEYED, "/x", env={**ENV, "PAYSEAL_TRACEBACK": "1"}, prelude="")
    assert done.returncode == 0
    done = process("sign", *KEYED, "/x", env={**ENV, "PAYSEAL_TRACEBACK": "1"}, prelude=broken)
    assert done.returncode == 70
    assert b"File " in done.stderr
    assert_hidden(done.stdout + done.stderr)
    for options, env in ways(files)[4:9]:
        done = process("sign", *KEYED, "/x", *options, env={**env, "PAYSEAL_TRACEBACK": "1"})
        assert_hidden(done.stdout + done.stderr)
