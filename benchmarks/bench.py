"""Measures payseal beside its peers and writes down what came out. ``scripts/bench`` installs what is needed and runs this.

Progress goes to standard error, tables to standard output, figures to a JSON file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import cold_import, memory, others, page, sign_verify
from benchmarks.child import ROOT, Unavailable
from benchmarks.environment import environment, load, today
from benchmarks.tables import TABLES
from benchmarks.targets import targets

LATEST = ROOT / "benchmarks" / "results" / "latest.json"
MIB = 1024 * 1024

#: Part → how it is measured fully, and how in a quick run.
PARTS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "sign-verify": (lambda: sign_verify.measure(sign_verify.FULL), lambda: sign_verify.measure(sign_verify.QUICK)),
    "middleware": (lambda: others.middleware(requests=500, rounds=40), lambda: others.middleware(requests=200, rounds=8)),
    "ledger": (lambda: others.ledger(seconds=2), lambda: others.ledger(seconds=0.5)),
    "explain": (others.explain, others.not_quickly),
    "cold-import": (lambda: cold_import.measure(10), lambda: cold_import.measure(4)),
    "memory": (
        lambda: memory.measure(memory.IDS, memory.BODY, seconds=60),
        lambda: memory.measure(memory.IDS // 10, memory.BODY // 4, seconds=8),
    ),
}


def measure(names: Sequence[str], *, quick: bool, into: Path) -> dict[str, Any]:
    """Part after part; what is there is written after each, and its tables are printed."""
    results: dict[str, Any] = {"machine": environment(), "parts": {}, "unavailable": {}}
    into.parent.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name}", file=sys.stderr, flush=True)
        began, busy = time.monotonic(), load()
        try:
            figures = PARTS[name][quick]()
        except Unavailable as reason:
            results["unavailable"][name] = str(reason)
            print(f"{name}: not measured: {reason}\n", flush=True)
        else:
            seconds = round(time.monotonic() - began, 1)
            results["parts"][name] = {"measured": today(), "quick": quick, "load": busy, "seconds": seconds, "figures": figures}
            print("\n\n".join(table.text() for table in TABLES[name](figures)), end="\n\n", flush=True)
        into.write_text(page.as_json(results), "utf-8")
    return results


def together(before: dict[str, Any] | None, results: dict[str, Any]) -> dict[str, Any]:
    """What was measured just now, and from before the parts that were not. Both on the same machine: otherwise exits."""
    left = set(PARTS) - set(results["parts"]) - set(results["unavailable"])
    if before is None or not left:
        return results
    if before["machine"] != results["machine"]:
        raise SystemExit("docs/performance.json is of another machine or other versions: measure all parts, without --only")
    parts = before["parts"] | results["parts"]
    reasons = {name: why for name, why in (before["unavailable"] | results["unavailable"]).items() if name not in results["parts"]}
    known = {name: parts[name] for name in PARTS if name in parts and name not in results["unavailable"]}
    return results | {"parts": known, "unavailable": reasons}


def read(path: Path) -> dict[str, Any] | None:
    """The figures in a file, if there is one."""
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.exists() else None
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures payseal beside its peers: about six minutes.")
    parser.add_argument("--quick", action="store_true", help="about two minutes, fewer rounds; explain is left out")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}; may be repeated")
    parser.add_argument("--json", type=Path, default=LATEST, metavar="FILE", help="where the figures go (benchmarks/results/latest.json)")
    parser.add_argument("--docs", action="store_true", help="also write docs/performance.json, docs/performance.md and its chart")
    parser.add_argument("--page", action="store_true", help="measure nothing: write page and chart from docs/performance.json")
    given = parser.parse_args(argv)
    before = read(page.FIGURES)
    if given.page:
        if before is None:
            raise SystemExit("docs/performance.json is not there: scripts/bench --docs makes it")
        _written(page.write(before))
        return
    results = measure(given.only or list(PARTS), quick=given.quick, into=given.json)
    print(*(table.text() for table in targets({name: each["figures"] for name, each in results["parts"].items()})), sep="\n\n")
    print(f"\nfigures: {given.json}")
    if given.docs:
        _written(page.write(together(before, results)))


def _written(paths: Sequence[Path]) -> None:
    print(f"written: {', '.join(str(path.relative_to(ROOT)) for path in paths)}")


if __name__ == "__main__":
    main()
