"""SECURITY.md says what is promised and which tests hold it: nothing that must never happen is missing, and what is named is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")

#: What must never happen, in the words by which its promise is found. Whoever takes one away says so here.
NEVER = (
    "not signed by a credential that is valid now",
    "over exactly these bytes",
    "inside the window",
    "for the first time",
    "No accepted request is lost, or done twice",
    "No secret, no expected MAC or part of one",
    "No card data",
    "raises nothing but `Rejected`",
    "An unknown key is not told from a wrong signature",
    "Comparing takes no longer the more is right",
    "The body verified is the body handed on",
    "The bytes signed are the bytes sent",
    "It never fails open",
)
#: What is not promised, in the words of its line: a limit that is known is not forgotten by writing the page anew.
LIMITS = (
    "A stolen secret signs",
    "TLS",
    "cover neither method nor URL",
    "can be replayed once the ledger has forgotten the body",
    "`commercehub-digest-sha256` has no key",
    "accept each other's signatures",
    '"require signed transfers" off',
    "Where id, time and body touch",
    "whoever reaches it is taken for the owner",
    "Three or more secrets on one credential cost more",
    "longer than for an unknown one",
    "Who talks to whom",
)


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


PROMISES: list[tuple[str, str]] = re.findall(
    r"^\| (?!promise \|)(?!attacker)([^|]+) \| (.+) \|$", section("What must never happen"), re.MULTILINE
)


def named(cell: str) -> list[str]:
    return re.findall(r"`(tests/[\w./]+)`", cell)


@pytest.mark.parametrize("promise", NEVER)
def test_what_must_never_happen_is_promised_once(promise: str) -> None:
    assert sum(promise in words for words, _ in PROMISES) == 1


@pytest.mark.parametrize("limit", LIMITS)
def test_what_is_not_promised_is_said(limit: str) -> None:
    assert limit in section("What is not promised")


def test_no_row_is_missed() -> None:
    rows = [line for line in section("What must never happen").splitlines() if line.startswith("| ") and "| held by |" not in line]
    assert len(rows) == len(PROMISES) >= len(NEVER)


@pytest.mark.parametrize(("words", "tests"), PROMISES, ids=[words[:50] for words, _ in PROMISES])
def test_each_promise_is_held_by_tests_that_are_there(words: str, tests: str) -> None:
    assert named(tests), f"nothing holds it: {words}"
    assert tests == ", ".join(f"`{name}`" for name in named(tests))
    for name in named(tests):
        source = (ROOT / name).read_text("utf-8")
        assert re.search(r"^(?:    )?(?:async )?def test_\w+\(|^Test\w+ = \w+\.TestCase$|^class Test\w+", source, re.MULTILINE), (
            f"{name} holds no test"
        )


def test_the_table_of_attacks_is_linked() -> None:
    assert "[docs/attacks.md](docs/attacks.md)" in PAGE
    assert "`scripts/attack`" in PAGE


def test_it_is_short_and_says_how_to_report() -> None:
    assert len(PAGE.splitlines()) <= 110
    assert "privately" in PAGE.partition("## ")[0]
