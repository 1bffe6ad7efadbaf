"""``docs/causes/``: a page for every code, with the table's own words, as the script writes it, and all of them listed."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import payseal
from payseal.cli.group import payseal as command_line
from payseal.explain import CODES

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs/causes").glob("*.md")}
LIST = (ROOT / "docs/explain.md").read_text("utf-8")


def test_the_pages_have_not_drifted() -> None:
    for path, text in runpy.run_path(str(ROOT / "scripts/explain-docs"))["made"]().items():
        assert path.read_text("utf-8") == text, "run scripts/explain-docs"


def test_there_is_a_page_for_every_code_and_no_other_and_all_are_listed() -> None:
    assert set(PAGES) == set(CODES)
    assert re.findall(r"^\| \[`([a-z0-9-]+)`\]\(causes/\1\.md\)", LIST, re.MULTILINE) != []
    assert set(re.findall(r"\]\(causes/([a-z0-9-]+)\.md\)", LIST)) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_the_table_says_and_has_an_example(code: str) -> None:
    _, summary, fix = CODES[code]
    lines = PAGES[code].splitlines()

    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("|", "\\|")

    assert lines[0] == f"# `{code}`"
    assert f"> {escaped(summary)}" in lines
    assert f"Fix: {escaped(fix)}" in lines
    assert lines.count("```text") == lines.count("```") == 1
    example = tomllib.loads((ROOT / "docs/explain-examples.toml").read_text("utf-8"))[code]
    assert set(example) == {"means", "example"}
    assert example["means"].endswith(".")
    assert example["means"] in lines
    assert all(len(line) <= 140 for line in example["example"].splitlines())


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if "\nexpected  " in page])
def test_the_two_bases_of_an_example_differ(code: str) -> None:
    (expected,) = re.findall(r"^expected  (.*)$", PAGES[code], re.MULTILINE)
    (signed,) = re.findall(r"^signed    (.*)$", PAGES[code], re.MULTILINE)
    assert expected != signed


def test_the_readme_shows_what_the_command_prints(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"^```text\n\$ payseal (explain .*?)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    sale = {"requestType": "PaymentCardSaleTransaction", "transactionAmount": {"total": "12.04", "currency": "EUR"}}
    keyid, secret = "qWer7yLjPNEwS1VqHzMTc6ASmZxgGGX1", "a-secret-for-this-test"
    signer = payseal.Signer(payseal.scheme("fiserv-payments"), payseal.Credential(keyid, secret))
    headers = signer.sign(
        payseal.Request("POST", "/pay", body=json.dumps(sale).encode()),
        created=1729620420.123,
        nonce="30dd879c-ee2f-11db-8314-0800200c9a66",
    )
    head = "".join(f"{name}: {value}\n" for name, value in headers.items())
    (tmp_path / "captured-request.txt").write_text(f"POST /pay HTTP/1.1\n{head}\n{json.dumps(sale, separators=(',', ':'))}", "utf-8")
    arguments = block[0].replace("captured-request.txt", str(tmp_path / "captured-request.txt")).split()
    result = CliRunner().invoke(command_line, arguments, env={"PAYSEAL_KEYID": keyid, "PAYSEAL_SECRET": secret})
    assert result.exit_code == 1

    def without_counts(text: str) -> str:
        return re.sub(r"^\d+ signatures were computed in .*$", "", text, flags=re.MULTILINE)

    assert without_counts(result.stdout) == without_counts(block[1])
