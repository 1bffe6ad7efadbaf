"""``payseal verify``: accepted or refused, as of which time, and what the owner of the key is told."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

import payseal

from .conftest import KEYID, SECRET, Run, capture, vectors

SCHEME = ("--scheme", "fiserv-payments")
BODY = b'{"a": 1}'


def signed(body: bytes = BODY, *, created: float | None = None, secret: str = SECRET, keyid: str = KEYID) -> dict[str, str]:
    signer = payseal.Signer(payseal.scheme("fiserv-payments"), payseal.Credential(keyid, secret))
    return signer.sign(payseal.Request("POST", "/pay", body=body), created=created)


def test_a_fresh_request_is_accepted(run: Run, tmp_path: Path) -> None:
    headers = signed()
    path = tmp_path / "captured.http"
    path.write_bytes(capture("POST", "/pay", headers, BODY))
    for result in (run("verify", *SCHEME, str(path)), run("verify", *SCHEME, "-", stdin=path.read_bytes())):
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("accepted\n")
        assert KEYID in result.stdout
        assert headers["Client-Request-Id"] in result.stdout
        assert " s left, until " in result.stdout


@pytest.mark.parametrize("vector", vectors(), ids=lambda v: f"{v['scheme']}-{v['case']}-{v.get('timestamp_unit', '')}")
def test_the_vectors_are_accepted_as_of_their_own_time(run: Run, vector: dict[str, Any]) -> None:
    env = {f"PAYSEAL_{part.upper()}": vector[part] for part in ("keyid", "secret", "token") if part in vector}
    options = ["--set", "created.format=unix"] if vector.get("timestamp_unit") == "s" else []
    options += ["--at-created"] if vector["scheme"] != "startbutton-transfer" else ["--now", str(vector["created"])]
    options += ["--allow-unkeyed"] if vector["scheme"] == "commercehub-digest-sha256" else []
    data = capture("POST", "/any", vector["headers"], base64.b64decode(vector["body_base64"]), end="\n")
    result = run("verify", "--scheme", vector["scheme"], *options, "--json", stdin=data, env=env)
    assert result.exit_code == 0, result.output
    verdict = json.loads(result.stdout)
    assert (verdict["verdict"], verdict["scheme"]) == ("accepted", vector["scheme"])
    assert verdict["created"].startswith("2024-10-22T18:07:00")


def test_the_time_can_be_given(run: Run) -> None:
    data = capture("POST", "/pay", signed(created=1729620420.123), BODY)
    assert "outside-window" in run("verify", *SCHEME, stdin=data).stdout
    result = run("verify", *SCHEME, "--now", "1729620432.2", "--json", stdin=data)
    verdict = json.loads(result.stdout)
    assert verdict["created"] == "2024-10-22T18:07:00.123Z"
    assert verdict["age"] == "12 s old"
    assert verdict["window"] == "288 s left, until 2024-10-22T18:12:00.124Z"
    assert run("verify", *SCHEME, "--at-created", stdin=data).exit_code == 0
    assert run("verify", *SCHEME, "--at-created", "--now", "1", stdin=data).exit_code == 2


def test_a_time_that_is_not_sent_must_be_given(run: Run) -> None:
    result = run(
        "verify", "--scheme", "startbutton-transfer", "--at-created", stdin=b"POST / HTTP/1.1\nx-request-id: " + b"a" * 64 + b"\n\n"
    )
    assert result.exit_code == 2
    assert "--now" in result.stderr


@pytest.mark.parametrize(
    ("headers", "body", "code", "diagnosis"),
    [
        (signed(), b'{"a": 2}', "invalid-signature", "signature-mismatch"),
        (signed(secret="another"), BODY, "invalid-signature", "signature-mismatch"),
        (signed(keyid="another"), BODY, "invalid-signature", "credential-of-another-keyid"),
        (signed(created=time.time() - 1000), BODY, "outside-window", None),
        (signed(created=time.time() + 1000), BODY, "outside-window", None),
        ({}, BODY, "missing-header", None),
        ({**signed(), "api-key": KEYID}, BODY, "repeated-header", None),
        ({**signed(), "Timestamp": "12"}, BODY, "malformed-header", None),
    ],
    ids=["body", "secret", "keyid", "old", "early", "unsigned", "repeated", "malformed"],
)
def test_a_refusal_says_code_and_why(run: Run, headers: dict[str, str], body: bytes, code: str, diagnosis: str | None) -> None:
    data = capture("POST", "/pay", headers, body)
    result = run("verify", *SCHEME, stdin=data)
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("refused\n")
    verdict = json.loads(run("verify", *SCHEME, "--json", stdin=data).stdout)
    assert (verdict["verdict"], verdict["code"]) == ("refused", code)
    assert verdict.get("diagnosis", "").partition(":")[0] == (diagnosis or "")
    for text in verdict.values():
        assert str(text) in result.stdout


def test_a_diagnosis_of_the_token(run: Run) -> None:
    signer = payseal.Signer(payseal.scheme("startbutton-transfer"), payseal.Credential(secret="s", token="theirs"))
    headers = signer.sign(payseal.Request("POST", "/t", body=BODY))
    result = run(
        "verify",
        "--scheme",
        "startbutton-transfer",
        stdin=capture("POST", "/t", headers, BODY),
        env={"PAYSEAL_SECRET": "s", "PAYSEAL_TOKEN": "ours"},
    )
    assert result.exit_code == 1
    assert "token-mismatch: the request carries another access token" in result.stdout


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("created", [None, 1729620420.123], ids=["fresh", "old"])
def test_a_newline_that_an_editor_added_is_named_once_it_is_proven(run: Run, end: bytes, created: float | None) -> None:
    data = capture("POST", "/pay", signed(created=created), BODY, length=False)
    for added, expected in ((b"", False), (end, True), (b"x" + end, False)):
        result = run("verify", *SCHEME, stdin=data + added)
        assert ("an editor added it" in result.stdout) == expected, result.stdout


def test_an_older_secret_is_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text(f'[a]\nkeyid = "{KEYID}"\nsecret = ["{SECRET}", "newer"]\n', encoding="utf-8")
    path.chmod(0o600)
    result = run("verify", *SCHEME, "--credentials", str(path), stdin=capture("POST", "/pay", signed(), BODY), env={})
    assert result.exit_code == 0, result.output
    assert "an older one (1 before the newest)" in result.stdout


def test_a_scheme_without_a_key_is_verified_only_on_purpose(run: Run) -> None:
    scheme = payseal.scheme("commercehub-digest-sha256")
    headers = payseal.Signer(scheme, payseal.Credential("k", token="t")).sign(payseal.Request("POST", "/pay", body=BODY))
    data = capture("POST", "/pay", headers, BODY)
    refused = run("verify", "--scheme", scheme.name, stdin=data)
    assert refused.exit_code == 2
    assert "no key" in refused.stderr
    assert run("verify", "--scheme", scheme.name, "--allow-unkeyed", stdin=data, env={"PAYSEAL_KEYID": "k"}).exit_code == 0


def test_a_file_that_is_no_request_is_exit_code_2(run: Run, tmp_path: Path) -> None:
    for arguments, data, said in (
        (("-",), b"hello", "blank line"),
        ((str(tmp_path / "none"),), b"", "cannot be read"),
        (("-", "more"), b"", "too many"),
    ):
        result = run("verify", *SCHEME, *arguments, stdin=data)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
