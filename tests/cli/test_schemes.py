"""``payseal schemes``, ``--scheme`` and ``--set``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal.cli.scheme_option import load, overrides
from payseal.errors import PaysealError
from payseal.schemes import catalogue_names

from .conftest import Run

ACME = """
extends = "fiserv-payments"
name = "acme-payments"
title = "Acme: signed payments"
[signature]
base = "{method}|{target}|{keyid}|{nonce}|{created}|{body:sha256:hex}"
"""


def test_list_names_every_scheme_on_a_line_of_its_own(run: Run) -> None:
    result = run("schemes", "list")
    assert result.exit_code == 0
    for name in catalogue_names():
        (line,) = [line for line in result.stdout.splitlines() if line.split()[:1] == [name]]
        assert payseal.scheme(name).title in line


@pytest.mark.parametrize("name", catalogue_names())
def test_show_tells_what_is_signed_in_order_and_which_headers_carry_it(run: Run, name: str) -> None:
    scheme = payseal.scheme(name)
    result = run("schemes", "show", name)
    assert result.exit_code == 0
    places = [result.stdout.index(f"{number}  {part}") for number, part in enumerate(scheme.signature.base.parts, start=1)]
    assert places == sorted(places)
    assert scheme.signature.algorithm.name in result.stdout
    assert scheme.signature.encoding.name in result.stdout
    for rule in scheme.headers:
        assert f"  {rule.name} " in result.stdout


def test_show_names_what_is_not_signed_and_the_text_between(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(ACME, encoding="utf-8")
    assert "not signed: method, path, query, host" in run("schemes", "show", "fiserv-payments").stdout
    shown = run("schemes", "show", str(path)).stdout
    assert shown.startswith("acme-payments: Acme: signed payments\n")
    assert "not signed: host\n" in shown
    assert '"|"' in shown
    assert "sha256 of the body's bytes, as hex" in shown


def test_show_json_is_the_merged_data(run: Run) -> None:
    result = run("schemes", "show", "commercehub-digest", "--json", "--set", "created.tolerance=60")
    data = json.loads(result.stdout)
    assert data["name"] == "commercehub-digest"
    assert data["signature"]["algorithm"] == "hmac-sha256"  # from the scheme it extends
    assert data["signature"]["key"] == "token"
    assert data["created"]["tolerance"] == 60


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["created.format=unix"], {"created": {"format": "unix"}}),
        (['created.format="unix"'], {"created": {"format": "unix"}}),
        (["created.tolerance=60", "created.future=5"], {"created": {"tolerance": 60, "future": 5}}),
        (["created.tolerance=1", "created.tolerance=2"], {"created": {"tolerance": 2}}),
        (['signature.accept=["hex", "base64"]'], {"signature": {"accept": ["hex", "base64"]}}),
        (["headers.X-Sign={signature}"], {"headers": {"X-Sign": "{signature}"}}),
        (["headers.Message-Signature=false"], {"headers": {"Message-Signature": False}}),
        (["name=a=b"], {"name": "a=b"}),
        (['headers."X.Y"={nonce}'], {"headers": {"X.Y": "{nonce}"}}),
        (["created.format=%Y%m%d%H%M"], {"created": {"format": "%Y%m%d%H%M"}}),
        (["title="], {"title": ""}),
        (["title=1\n[created]\nformat='unix'"], {"title": "1\n[created]\nformat='unix'"}),
    ],
)
def test_settings_are_toml_values_or_text(settings: list[str], expected: dict[str, Any]) -> None:
    assert overrides(tuple(settings)) == expected


@pytest.mark.parametrize(
    "settings", [("created",), ("=1",), ("a b=1",), ("a..b=1",), ("a=1", "a.b=2"), ("a.b=1", "a=2"), ("a\nb=1",), ("",)]
)
def test_a_setting_that_is_none_is_refused(run: Run, settings: tuple[str, ...]) -> None:
    options = [word for setting in settings for word in ("--set", setting)]
    result = run("schemes", "show", "fiserv-payments", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("payseal: --set ")


def test_a_scheme_is_a_name_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme.toml").write_text(ACME, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load("acme.toml", ()).name == load("./acme.toml", ()).name == "acme-payments"
    assert load("fiserv-payments", ("name=fiserv-in-seconds", "created.format=unix")).name == "fiserv-in-seconds"
    with pytest.raises(PaysealError, match="fiserv-payments"):
        load("fiserv-paymets", ())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nonesuch",), "there is no scheme"),
        (("./nonesuch.toml",), "cannot be read"),
        (("fiserv-payments", "--set", "created.format=nonsense"), "created.format"),
        (("fiserv-payments", "--set", "created.fromat=unix"), "did you mean"),
    ],
)
def test_a_wrong_scheme_is_one_line_and_exit_code_2(run: Run, args: tuple[str, ...], said: str) -> None:
    result = run("schemes", "show", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.startswith("payseal: ")
    assert result.stderr.count("\n") == 1
