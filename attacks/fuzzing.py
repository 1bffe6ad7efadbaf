"""Inputs of every kind, guided by what they reach in the code: what came of them, target for target."""

from __future__ import annotations

import sys

from attacks.rows import Row, Tally
from benchmarks.progress import Progress
from fuzz.runs import run
from fuzz.targets import TARGETS, Target

TESTS = "tests/test_fuzz.py"
#: Seconds for each target.
FULL, QUICK = 20, 2


def attack(quick: bool) -> list[Row]:
    """A row for each target. An input that did what must not happen is kept in fuzz/crashes, and what it did goes to standard error."""
    rows: list[Row] = []
    with Progress("fuzzing") as progress:
        for number, (name, what) in enumerate(TARGETS.items()):
            progress.tell(number, len(TARGETS), name)
            done = run(Target.named(name), QUICK if quick else FULL)
            tally = Tally(f"Fuzzed: {what}", TESTS)
            for outcome, times in done.outcomes.items():
                tally.held(outcome, times)
            for crash in done.crashes:
                tally.through(f"kept as fuzz/crashes/{crash.name}")
                print(done.said, file=sys.stderr)
            rows.append(tally.row())
    return rows
