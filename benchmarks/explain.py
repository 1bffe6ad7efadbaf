"""How well and how fast the explainer answers: over the corpus in tests/explain, as a table. ``python benchmarks/explain.py``."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.explain.corpus import load


def main() -> None:
    """Print the table."""
    rows: dict[str, list[tuple[bool, float, int]]] = {}
    cases = load()
    for case in cases[:20]:
        case.explain()  # so that the first is not charged with the imports
    for case in cases:
        explanation = case.explain()
        found = [cause.code for cause in explanation.causes]
        right = explanation.verified if not case.expected else bool(found) and found[0] in {*case.expected, *case.also}
        kind = {0: "no mistake", 1: "one mistake", 2: "two", 3: "three"}[len(case.expected)]
        kind = "not to be proven" if case.expected == {"unproven"} else kind
        rows.setdefault(kind, []).append((right, explanation.elapsed, explanation.examined))
    table = Table(title=f"{len(cases)} requests, budget 500 ms", title_justify="left")
    for heading in ("mistakes", "requests", "first cause right", "median ms", "95 % under ms", "most ms", "MACs, median"):
        table.add_column(heading, justify="right")
    for kind, results in sorted(rows.items()):
        times = sorted(elapsed * 1000 for _, elapsed, _ in results)
        table.add_row(
            kind,
            str(len(results)),
            f"{sum(right for right, _, _ in results) / len(results):.1%}",
            f"{statistics.median(times):.1f}",
            f"{times[int(len(times) * 0.95)] if len(times) > 1 else times[0]:.1f}",
            f"{times[-1]:.1f}",
            str(int(statistics.median(examined for _, _, examined in results))),
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
