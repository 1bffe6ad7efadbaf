"""``payseal sign``: the vectors, the formats, and what cannot be signed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import payseal

from .conftest import KEYID, SECRET, Run, vectors

PINNED = ("--created", "1729620420.123", "--nonce", "30dd879c-ee2f-41db-8314-0800200c9a66")


def _arguments(vector: dict[str, Any], body: Path) -> list[str]:
    arguments = ["--scheme", vector["scheme"], "--body", str(body), "--created", str(vector["created"])]
    if vector.get("timestamp_unit") == "s":
        arguments += ["--set", "created.format=unix"]
    if "nonce" in vector:
        arguments += ["--nonce", vector["nonce"]]
    return arguments


@pytest.mark.parametrize("vector", vectors(), ids=lambda v: f"{v['scheme']}-{v['case']}-{v.get('timestamp_unit', '')}")
def test_pinned_time_and_id_reproduce_the_vectors(run: Run, tmp_path: Path, vector: dict[str, Any]) -> None:
    body = tmp_path / "body"
    body.write_bytes(base64.b64decode(vector["body_base64"]))
    env = {f"PAYSEAL_{part.upper()}": vector[part] for part in ("keyid", "secret", "token") if part in vector}
    result = run("sign", *_arguments(vector, body), "--format", "json", "/any", env=env)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == vector["headers"]


def test_text_is_a_header_a_line_in_the_order_of_the_scheme(run: Run) -> None:
    result = run("sign", "--scheme", "fiserv-payments", *PINNED, "/payments")
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == [
        "Api-Key",
        "Client-Request-Id",
        "Timestamp",
        "Message-Signature",
    ]
    assert f"Api-Key: {KEYID}\n" in result.stdout
    assert result.stderr == ""


def test_without_pins_time_and_id_are_new_each_time(run: Run) -> None:
    first, second = (json.loads(run("sign", "--scheme", "fiserv-payments", "--format", "json", "/x").stdout) for _ in range(2))
    assert first["Client-Request-Id"] != second["Client-Request-Id"]


@pytest.mark.parametrize("content", [b"", b"\n", b"a\r\n", b"\xef\xbb\xbf{}\n", b" {} ", bytes(range(256)), b"@file", b"\x00"])
def test_the_bytes_of_the_body_are_signed_as_they_are(run: Run, tmp_path: Path, content: bytes) -> None:
    body = tmp_path / "body"
    body.write_bytes(content)
    signer = payseal.Signer(payseal.scheme("fiserv-payments"), payseal.Credential(KEYID, SECRET))
    expected = signer.sign(payseal.Request("POST", "/x", body=content), created=1729620420.123, nonce=PINNED[3])
    common = ("sign", "--scheme", "fiserv-payments", *PINNED, "--format", "json", "/x", "--body")
    assert json.loads(run(*common, str(body)).stdout) == expected
    assert json.loads(run(*common, "-", stdin=content).stdout) == expected


def test_method_target_host_and_headers_are_signed_where_the_scheme_covers_them(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    base = r"{method}\n{target}\n{host}\n{header:Content-Type}\n{nonce}\n{created}\n{body}"
    path.write_text(f'extends = "fiserv-payments"\nname = "acme"\n[signature]\nbase = "{base}"\n', encoding="utf-8")
    signer = payseal.Signer(payseal.Scheme.load(path), payseal.Credential(KEYID, SECRET))
    request = payseal.Request("PUT", "/a/b?", [("Host", "api.example.com"), ("Content-Type", "text/plain")], b"")
    expected = signer.sign(request, created=1729620420.123, nonce=PINNED[3])
    common = ("sign", "--scheme", str(path), *PINNED, "--format", "json", "--method", "put", "--header", "content-type:  text/plain ")
    assert json.loads(run(*common, "https://API.example.com:443/a/b?#fragment").stdout) == expected
    assert json.loads(run(*common, "--header", "Host: api.example.com", "/a/b?").stdout) == expected
    missing = run(*common[:-2], "https://api.example.com/a/b")
    assert missing.exit_code == 2
    assert "covers the header content-type" in missing.stderr


def test_a_scheme_that_sends_the_token_prints_it_and_says_so_in_its_help(run: Run) -> None:
    env = {"PAYSEAL_KEYID": "k", "PAYSEAL_TOKEN": "tok-1"}
    assert "Authorization: Bearer tok-1\n" in run("sign", "--scheme", "commercehub-digest", "/x", env=env).stdout
    assert "the token is a" in run("sign", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("payments",), "an absolute URL"),
        (("ftp://example.com/",), "https:// or http://"),
        (("https://user:pass@example.com/",), "user name"),
        (("https://example.com/a b",), "percent-encode"),
        (("https://example.com/é",), "percent-encode"),
        (("https://example.com:99999/",), "port"),
        (("https://example.com:/",), "port"),
        (("https://exa\\mple.com/",), "host"),
        (("https://[::1/",), "host"),
        (("https:///x",), "host"),
        (("/x", "--format", "curl"), "--format curl needs an absolute URL"),
        (("/x", "--format", "yaml"), "text, json, curl"),
        (("/x", "--method", "GE T"), "HTTP method"),
        (("/x", "--header", "no colon"), "a colon"),
        (("/x", "--header", "Bad Name: x"), "a colon"),
        (("/x", "--header", "X: a\r\nY: b"), "control character"),
        (("/x", "--header", "X: é"), "not ASCII"),
        (("/x", "--header", "api-key: mine"), "the scheme writes this header itself"),
        (("/x", "--created", "now"), "seconds since the epoch"),
        (("/x", "--created", "nan"), "seconds since the epoch"),
        (("/x", "--created", "-1"), "seconds since the epoch"),
        (("/x", "--created", "1729620420123"), "milliseconds"),
        (("/x", "--nonce", "a b"), "nonce"),
        (("/x", "--nonce", ""), "nonce"),
        (("/x", "--body", "/no/such/file"), "--body: the file cannot be read"),
        (("/x", "--body", "."), "--body: the file cannot be read"),
        (("/x", "--body", "\0"), "--body: the file cannot be read"),
        (("/x", "y"), "1 argument too many"),
        (("/x", "--no-such-option"), "--no-such-option"),
        ((), "URL_OR_TARGET"),
        (("https://x.example/", "--format", "curl", "--header", "Transfer-Encoding: chunked"), "Transfer-Encoding"),
        (("https://x.example/", "--format", "curl", "--header", "Content-Length: 7"), "Content-Length"),
    ],
)
def test_what_cannot_be_signed_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("sign", "--scheme", "fiserv-payments", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.startswith("payseal: ")
    assert result.stderr.count("\n") == 1


def test_a_pattern_time_too_early_for_its_format_is_refused(run: Run) -> None:
    result = run("sign", "--scheme", "fiserv-payments", "--created", "1", "/x")
    assert result.exit_code == 2
    assert "created" in result.stderr
