"""The documentation is held against the code: every code, key, component and scheme stands on its page, and every example works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import payseal
from payseal.errors import REJECTIONS
from payseal.mac import ALGORITHMS, ENCODINGS
from payseal.schemes import catalogue_names
from payseal.schemes.checked import KEYS
from payseal.schemes.nonces import NONCE_FORMATS
from payseal.schemes.refusals import PLACEHOLDERS
from payseal.schemes.template import REQUEST_COMPONENTS, SENT_COMPONENTS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.DOTALL | re.MULTILINE)


def test_every_rejection_is_on_its_page_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", text("docs/rejections.md"), re.MULTILINE))
    assert rows == {code: str(status) for code, (status, _) in REJECTIONS.items()}


@pytest.mark.parametrize(
    "word",
    sorted(
        {key for keys in KEYS.values() for key in keys}
        | set(ALGORITHMS)
        | set(ENCODINGS)
        | set(NONCE_FORMATS)
        | {f"{{{name}}}" for name in (*SENT_COMPONENTS, *REQUEST_COMPONENTS, *PLACEHOLDERS) if name != "header"}
        | {"{header:Name}", "{body:sha256:hex}"}
    ),
)
def test_everything_a_scheme_file_can_say_is_on_its_page(word: str) -> None:
    assert f"`{word}`" in text("docs/schemes.md") or f"[{word}]" in text("docs/schemes.md")


def test_the_example_scheme_loads_signs_and_verifies() -> None:
    (example,) = blocks("docs/schemes.md", "toml")
    scheme = payseal.Scheme.loads(example)
    credential = payseal.Credential("key", "secret")
    headers = payseal.Signer(scheme, credential).sign(payseal.Request("POST", "/pay?now=1", body=b"{}"))
    request = payseal.Request("POST", "/pay?now=1", headers=headers, body=b"{}")
    assert payseal.Verifier(scheme, credential).verify(request).keyid == "key"


def test_every_scheme_of_the_catalogue_is_in_the_readme() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text("README.md"), re.MULTILINE)) == set(catalogue_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    for target in re.findall(r"`((?:tests|scripts|docs)/[\w./-]+)`", page.read_text("utf-8")):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_example_compiles_and_imports_what_exists(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        compile(block, page.name, "exec")
        for line in re.findall(r"^(?:from payseal\S* )?import .+$", block, re.MULTILINE):
            exec(line.partition("#")[0], {})


def test_every_command_of_the_readme_is_one() -> None:
    from click import Context

    from payseal.cli.group import payseal as root

    used = set(re.findall(r"^payseal ([a-z]+)", "\n".join(blocks("README.md", "sh")), re.MULTILINE))
    assert used
    assert used <= set(root.list_commands(Context(root)))
