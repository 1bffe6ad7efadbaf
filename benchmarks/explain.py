"""How well and how fast the explainer answers: over the corpus in tests/explain, as a table. ``python benchmarks/explain.py``,
and with ``--json FILE`` the same figures into a file.

Each request is explained several times with the clock on the wall, and as often with the processor's: of each, the least counts. What else
runs on the machine shows in the first and less in the second; what was found, in the table, was found with the second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.explain.corpus import Case, load

import payseal

BUDGET = 0.5
#: How often each request is explained by each clock, and how often one that takes long is.
ROUNDS, LONG_ROUNDS = 3, 1
LONG = 0.3  # seconds
#: Kind → what is asked of it, in milliseconds.
KINDS: dict[str, float | None] = {"no mistake": None, "one": 5, "two": 50, "three": 500, "not to be proven": None}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one request."""

    kind: str
    right: bool
    proven: bool
    wall: float  # milliseconds, both
    processor: float
    examined: int


def kind_of(case: Case) -> str:
    """How many mistakes there are, in words."""
    return "not to be proven" if case.expected == {"unproven"} else list(KINDS)[len(case.expected)]


def explained(case: Case) -> Result:
    """One request, several times over."""
    request, scheme, credential, others = case.request, case.scheme, case.credential, case.others

    def explain(clock: Callable[[], float]) -> payseal.Explanation:
        return payseal.explain(request, scheme, credential, now=case.now, others=others, budget=BUDGET, clock=clock)

    explanation = explain(time.process_time)
    rounds = ROUNDS if explanation.elapsed < LONG else LONG_ROUNDS
    least = {clock: min(explain(clock).elapsed for _ in range(rounds)) * 1000 for clock in (time.perf_counter, time.process_time)}
    codes = [cause.code for cause in explanation.causes]
    return Result(
        kind_of(case),
        explanation.verified if not case.expected else bool(codes) and codes[0] in {*case.expected, *case.also},
        "unproven" not in codes,
        least[time.perf_counter],
        least[time.process_time],
        explanation.examined,
    )


def spread(times: list[float]) -> tuple[float, float, float]:
    """Median, what 95 % stay under, and the most."""
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1]


def shown(times: list[float]) -> str:
    """The spread, to be read."""
    return " / ".join(f"{time:.1f}" for time in spread(times))


def within(results: list[Result], limit: float | None) -> str:
    """How many were proven in the time that is asked for, on the wall and by the processor."""
    if limit is None:
        return ""
    counts = [sum(result.proven and time < limit for result, time in zip(results, times, strict=True)) for times in clocks(results)]
    return f"{limit:g} ms: {counts[0]}, {counts[1]}"


def clocks(results: list[Result]) -> tuple[list[float], list[float]]:
    """The times on the wall, and the processor's."""
    return [result.wall for result in results], [result.processor for result in results]


def figures(rows: dict[str, list[Result]]) -> dict[str, object]:
    """The same as the table, for another program; times in milliseconds."""
    return {
        "budget": BUDGET * 1000,
        "rows": [
            {
                "mistakes": kind,
                "asked": KINDS[kind],
                "requests": len(results),
                "right": sum(result.right for result in results),
                "wall": spread(clocks(results)[0]),
                "processor": spread(clocks(results)[1]),
                "examined": statistics.median(result.examined for result in results),
            }
            for kind, results in rows.items()
        ],
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    cases = load()
    for case in cases[:20]:
        case.explain()  # so that the first is not charged with the imports
    rows: dict[str, list[Result]] = {kind: [] for kind in KINDS}
    for case in cases:
        result = explained(case)
        rows[result.kind].append(result)
    title = f"{len(cases)} requests, budget {BUDGET * 1000:g} ms; times in ms, median / 95 % under / most; proven within: wall, processor"
    table = Table(title=title, title_justify="left")
    for heading in ("mistakes", "requests", "first cause right", "wall", "processor", "proven within", "MACs, median", "most"):
        table.add_column(heading, justify="right")
    for kind, results in rows.items():
        wall, processor = clocks(results)
        examined = [result.examined for result in results]
        table.add_row(
            kind,
            str(len(results)),
            str(sum(result.right for result in results)),
            shown(wall),
            shown(processor),
            within(results, KINDS[kind]),
            f"{statistics.median(examined):g}",
            str(max(examined)),
        )
    Console(width=140).print(table)
    if given.json:
        given.json.write_text(json.dumps(figures(rows)), "utf-8")


if __name__ == "__main__":
    main()
