"""The command that attacks: its table is what was counted, names tests that are there, and says so where something got through."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import attack, page
from attacks.rows import Tally

ROOT = Path(__file__).parent.parent
FIGURES = json.loads((ROOT / "docs" / "attacks.json").read_text("utf-8"))


def test_the_page_is_what_the_figures_make() -> None:
    assert page.made(page.PAGE.read_text("utf-8"), FIGURES) == page.PAGE.read_text("utf-8")


def test_every_part_was_run_whole_and_nothing_got_through() -> None:
    assert set(FIGURES) == set(attack.PARTS)
    for part in FIGURES.values():
        assert not part["quick"]
        for row in part["rows"]:
            assert row["tried"] > 0
            assert row["through"] == 0
            assert (ROOT / row["tests"]).is_file()


def test_what_got_through_is_counted_shown_and_ends_the_command_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tally = Tally("a door left open", "tests/test_attacks.py")
    tally.held("refused", 3)
    tally.through("accepted")
    module = type(sys)("attacks.open_door")
    monkeypatch.setattr(module, "attack", lambda quick: [tally.row()], raising=False)
    monkeypatch.setitem(sys.modules, "attacks.open_door", module)
    monkeypatch.setitem(attack.PARTS, "open", ("attacks.open_door", "Open"))
    with pytest.raises(SystemExit) as ended:
        attack.main(["--only", "open", "--json", str(tmp_path / "figures.json")])
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "GOT THROUGH: accepted (1); refused (3)" in shown
    assert "4 tried, 1 got through" in shown
    assert json.loads((tmp_path / "figures.json").read_text("utf-8"))["open"]["rows"][0]["through"] == 1


def test_the_command_names_its_parts() -> None:
    shown = subprocess.run([sys.executable, "-m", "attacks.attack", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in attack.PARTS)
