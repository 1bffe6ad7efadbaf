"""Attacks payseal and writes down what came of it. ``scripts/attack`` runs this.

Progress goes to standard error, the tables to standard output. Exit code 1: something got through.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from attacks import page
from attacks.rows import Row
from benchmarks.environment import today

#: Part: the module that has its `attack(quick: bool) -> list[Row]`, and its heading.
PARTS = {
    "alterations": ("attacks.alterations", "Changed, moved and malformed requests"),
    "published": ("attacks.published", "Published hostile vectors"),
    "ways_in": ("attacks.ways_in.attack", "What stands between the client and the verifier"),
    "outward": ("attacks.outward.attack", "Webhooks, hosted pages and files"),
    "timing": ("attacks.timing.attack", "Clocks"),
    "fuzzing": ("attacks.fuzzing", "Bytes of any kind"),
    "load": ("attacks.load.attack", "Load"),
    "faults": ("attacks.faults.attack", "Faults"),
}


def run(names: Sequence[str], *, quick: bool) -> dict[str, Any]:
    """Part after part; each one's table is printed as soon as it is known."""
    parts: dict[str, Any] = {}
    for number, name in enumerate(names, start=1):
        module, heading = PARTS[name]
        print(f"[{number}/{len(names)}] {heading}", file=sys.stderr, flush=True)
        began = time.monotonic()
        rows: list[Row] = importlib.import_module(module).attack(quick)
        seconds = round(time.monotonic() - began, 1)
        parts[name] = {"measured": today(), "seconds": seconds, "quick": quick, "rows": [asdict(row) for row in rows]}
        print(page.text(heading, parts[name]["rows"]), end="\n\n", flush=True)
    return parts


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/attack", description="Attacks payseal on this machine and counts what gets through.")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything: a minute or two")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}; may be repeated")
    parser.add_argument("--docs", action="store_true", help="also write docs/attacks.json and the tables in docs/attacks.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    given = parser.parse_args(argv)
    parts = run(given.only or list(PARTS), quick=given.quick)
    if given.json is not None:
        given.json.write_text(json.dumps(parts, indent=1) + "\n", "utf-8")
    if given.docs:
        page.write(parts)
    through = sum(row["through"] for part in parts.values() for row in part["rows"])
    tried = sum(row["tried"] for part in parts.values() for row in part["rows"])
    print(f"{tried:,} tried, {through:,} got through")
    sys.exit(bool(through))


if __name__ == "__main__":
    main()
