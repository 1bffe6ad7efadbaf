"""The page about the sandbox says what the sandbox does."""

from __future__ import annotations

import re
from pathlib import Path

from payseal.server.sandbox.faults import KINDS
from payseal.server.sandbox.faults.magic import MAGIC

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text("utf-8")


def test_the_amounts_that_go_wrong_are_on_the_page() -> None:
    rows = re.findall(r"^\| (\d{6}) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {int(amount): said for amount, said in rows} == {amount: KINDS[fault.kind].sentence for amount, fault in MAGIC.items()}


def test_every_fault_that_needs_an_order_is_on_the_page() -> None:
    for kind in set(KINDS) - {fault.kind for fault in MAGIC.values()}:
        assert f"`{kind}`" in PAGE
