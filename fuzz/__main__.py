"""Fuzzes payseal: ``python -m fuzz``, which is scripts/fuzz. Progress goes to standard error, the table to standard output.

Exit code 1: an input did what must not happen; it is kept, and the command that tries it again is shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fuzz.runs import CRASHES, Run, run
from fuzz.targets import TARGETS, Target
from fuzz.worker import GUIDED

_HEADINGS = ("target", "inputs", "inputs/s", "edges", "corpus", "crashes")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Tries inputs of all kinds on what reads what others sent or wrote.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(TARGETS)}; all of them by default")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each target takes (20)")
    parser.add_argument("--keep", action="store_true", help="add what reaches more code to the corpus")
    parser.add_argument(
        "--try", dest="files", action="append", type=Path, metavar="FILE", help="try this input on the target, and no other"
    )
    parser.add_argument(
        "--crashes", type=Path, default=CRASHES, metavar="FOLDER", help="where inputs are kept that did what must not happen"
    )
    given = parser.parse_args(argv)
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"there is no target {min(unknown)!r}; there are: {', '.join(TARGETS)}")
    if given.files:
        if len(given.targets) != 1:
            parser.error("--try needs the one target that the input is for")
        return _try(Target.named(given.targets[0]), given.files)
    if not GUIDED:
        print("atheris is not made for this Python: inputs are changed by chance, and not by what they reach", file=sys.stderr)
    runs: list[Run] = []
    for name in given.targets or TARGETS:
        print(f"{name}: {TARGETS[name]}, {given.seconds:g} s", file=sys.stderr, flush=True)
        runs.append(run(Target.named(name), given.seconds, keep=given.keep, crashes=given.crashes))
        _tell(runs[-1])
    print(_table(runs))
    return 1 if any(each.crashes for each in runs) else 0


def _try(target: Target, files: Sequence[Path]) -> int:
    """What comes of these inputs; an exception is shown as it is."""
    module = target.load()
    for file in files:
        print(f"{file}: {module.one(file.read_bytes())}")
    return 0


def _tell(done: Run) -> None:
    for outcome, times in done.outcomes.items():
        print(f"  {times:>9,}  {outcome}", file=sys.stderr)
    for crash in done.crashes:
        print(f"{done.said[:3000]}\nCRASH: try it again with: scripts/fuzz {done.target} --try {crash}", file=sys.stderr)


def _table(runs: Sequence[Run]) -> str:
    lines: list[tuple[str, ...]] = [_HEADINGS]
    for each in runs:
        corpus = each.kept if each.kept is not None else each.corpus
        figures = (each.inputs, round(each.inputs / max(each.seconds, 1)), each.edges, corpus, len(each.crashes))
        lines.append((each.target, *("-" if figure is None else f"{figure:,}" for figure in figures)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
