"""Fuzzing finds nothing in twenty seconds a target; what it once found interesting holds; what is wrong it would find."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attacks import fuzzing
from fuzz import __main__ as command
from fuzz import chance
from fuzz.chance import CRASHED, by_chance, mutated, words
from fuzz.lines import by_line
from fuzz.runs import MOST_BYTES, MOST_FILES, run
from fuzz.targets import HERE, TARGETS, Target, kept
from fuzz.worker import GUIDED

#: How long each target is fuzzed (seconds).
SECONDS = 20
each_target = pytest.mark.parametrize("name", TARGETS)


# --- nothing is found --------------------------------------------------------------------------------------------------------


@each_target
def test_fuzzing_finds_nothing(name: str, tmp_path: Path) -> None:
    done = run(Target.named(name), SECONDS, crashes=tmp_path)
    assert not done.crashes, done.said
    assert done.inputs > 200
    assert (done.edges is not None and done.edges > 50) == GUIDED
    # Both what is taken and what is refused.
    assert len(done.outcomes) > 1


@each_target
def test_what_was_found_interesting_holds(name: str) -> None:
    target = Target.named(name)
    module = target.load()
    outcomes = {module.one(data) for data in (*module.seeds(), *kept(target))}
    assert len(outcomes) > 1


@each_target
def test_chance_alone_finds_nothing(name: str, tmp_path: Path) -> None:
    """What a Python without atheris does."""
    target = Target.named(name)
    module = target.load()
    assert by_chance(module.one, module.seeds(), target.dictionary, 1.0, f"{tmp_path}/") == 0


def test_a_python_without_atheris_fuzzes_too(tmp_path: Path) -> None:
    (tmp_path / "atheris.py").write_text("raise ImportError\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "template", "--seconds", "1", "--crashes", str(tmp_path / "crashes")],
        cwd=HERE.parent,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "inputs are changed by chance" in done.stderr
    assert re.search(r"^template +[\d,]+ +[\d,]+ +- +- +0$", done.stdout, re.MULTILINE)


# --- something is found ------------------------------------------------------------------------------------------------------

BROKEN = """
def one(data: bytes) -> str:
    if data[:1] == b"!":
        raise ZeroDivisionError("the magic byte")
    return "dull"

def seeds() -> list[bytes]:
    return [b"abc"]
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A target whose invariant does not hold."""
    (tmp_path / "broken_target.py").write_text(BROKEN, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return Target("broken", "broken_target", tmp_path / "corpus", tmp_path / "broken.dict")


def test_an_invariant_that_does_not_hold_is_found_and_its_input_kept(broken: Target, tmp_path: Path) -> None:
    done = run(broken, 15, crashes=tmp_path / "crashes")
    (crash,) = done.crashes
    assert crash.parent == tmp_path / "crashes"
    assert crash.read_bytes()[:1] == b"!"
    assert "ZeroDivisionError: the magic byte" in done.said
    with pytest.raises(ZeroDivisionError):
        broken.load().one(crash.read_bytes())


def test_chance_alone_finds_it_too(broken: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = broken.load()
    assert by_chance(module.one, module.seeds(), broken.dictionary, 15, f"{tmp_path}/broken-") == CRASHED
    (crash,) = tmp_path.glob("broken-crash-*")
    assert crash.read_bytes()[:1] == b"!"
    assert "the magic byte" in capsys.readouterr().err


def test_an_input_that_takes_too_long_is_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chance, "SLOW", 0.2)
    assert by_chance(lambda data: time.sleep(5), [b"slow"], tmp_path / "none", 5, f"{tmp_path}/") == CRASHED
    assert [path.read_bytes() for path in tmp_path.glob("crash-*")] == [b"slow"]
    assert "TimeoutError" in capsys.readouterr().err


def test_the_command_fails_and_says_how_to_try_it_again(
    broken: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TARGETS, "broken", "a target whose invariant does not hold")
    monkeypatch.setattr(Target, "named", classmethod(lambda cls, name: broken))
    assert command.main(["broken", "--seconds", "15", "--crashes", str(tmp_path / "crashes")]) == 1
    said = capsys.readouterr()
    assert re.search(r"^broken +[\d,]+ +[\d,]+ +\S+ +\S+ +1$", said.out, re.MULTILINE)
    again = re.search(r"scripts/fuzz broken --try (\S+)", said.err)
    assert again
    with pytest.raises(ZeroDivisionError):
        command.main(["broken", "--try", again[1]])


def test_a_row_counts_what_was_found(broken: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "TARGETS", {"broken": "a target whose invariant does not hold"})
    monkeypatch.setattr(Target, "named", classmethod(lambda cls, name: broken))
    monkeypatch.setattr(fuzzing, "run", lambda target, seconds: run(target, 15, crashes=tmp_path / "crashes"))
    (row,) = fuzzing.attack(quick=True)
    assert row.through == 1
    assert row.tried >= 1


# --- the corpus and what is around it ----------------------------------------------------------------------------------------


@each_target
def test_a_corpus_stays_small(name: str) -> None:
    inputs = kept(Target.named(name))
    assert 0 < len(inputs) <= MOST_FILES
    assert sum(map(len, inputs)) <= MOST_BYTES


def test_what_reaches_more_is_kept_when_that_is_asked_for(tmp_path: Path) -> None:
    target = Target("template", "fuzz.template", tmp_path / "corpus", HERE / "template.dict")
    done = run(target, 2, keep=True, crashes=tmp_path / "crashes")
    inputs = kept(target)
    if GUIDED:
        assert done.kept == len(inputs) > 0
    else:  # nobody knows what it reaches
        assert (done.kept, inputs) == (None, [])
    assert not set(inputs) & set(target.load().seeds())


@each_target
def test_every_word_of_a_dictionary_is_one(name: str) -> None:
    dictionary = Target.named(name).dictionary
    lines = [line for line in dictionary.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(words(dictionary)) == len(lines) > 10
    assert all(words(dictionary))


def test_the_same_seed_makes_the_same_inputs() -> None:
    made = [[mutated(each, [b"one", b"another one"], [b"word"]) for _ in range(500)] for each in (random.Random(1), random.Random(1))]
    assert made[0] == made[1]
    assert len(set(made[0])) > 300


def test_lines_change_and_nothing_is_lost_in_between() -> None:
    data = b"name = a\n[table]\nkey = value\n\nrest"
    made = {by_line(random.Random(seed), data, [b"word = "]) for seed in range(400)}
    assert {
        b"name = a\n[table]\n\nrest",
        b"[table]\nname = a\nkey = value\n\nrest",
        b"name = word = \n[table]\nkey = value\n\nrest",
    } <= made
    assert b"name = value\n[table]\nkey = value\n\nrest" in made
    assert {by_line(random.Random(seed), b"", []) for seed in range(50)} == {b"", b"\n"}


def test_a_target_that_is_not_there_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "nothing"], cwd=HERE.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "there is no target 'nothing'; there are: request, " in done.stderr
