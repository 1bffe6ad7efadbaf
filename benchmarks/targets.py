"""What was to be reached, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from benchmarks.ours import PAYSEAL
from benchmarks.sign_verify import shown
from benchmarks.tables import Figures, Table, number, size_of

#: What was asked: whose name, where the figure is, whether it may at most or must at least be that much, and how it is written.
Target = tuple[str, Callable[[Figures], float], str, float, Callable[[float], str]]


def targets(parts: Figures) -> list[Table]:
    """Each target beside the figure, as far as it was measured; no table where nothing was."""
    rows = []
    for what, figure, sense, bound, written in TARGETS:
        try:
            value = figure(parts)
        except (KeyError, StopIteration):
            continue
        met = value <= bound if sense == "≤" else value >= bound
        rows.append([what, f"{sense} {written(bound)}", written(value), _answer(met)])
    rows += [[what, "", faster or "none is", _answer(not faster)] for what, faster in beaten(parts)]
    return [Table("targets", ["", "target", "measured", "met"], rows, words=True)] if rows else []


def _answer(met: bool) -> str:
    return "yes" if met else "no"


def beaten(parts: Figures) -> Iterable[tuple[str, str]]:
    """Each column of the two tables, and which peers have a smaller ratio in it than payseal, and how small: with a request that is there
    already, and with one that is yet to be made."""
    for ours in (PAYSEAL, f"{PAYSEAL} + Request"):
        for size in parts.get("sign-verify", {"sizes": ()})["sizes"]:
            for operation in ("sign", "verify"):
                ratios = {row["name"]: row[operation]["ratio"][1] for row in size["rows"] if row[operation]}
                peers = [row["name"] for row in size["rows"] if row["version"]]
                faster = [f"{peer} {number(ratios[peer])}" for peer in peers if ratios.get(peer, math.inf) < ratios[ours]]
                yield f"no peer is faster than {ours}: {operation}, {shown(size['bytes'])}", ", ".join(faster)


def _ratio(size: int, operation: str) -> Callable[[Figures], float]:
    def figure(parts: Figures) -> float:
        rows = next(each for each in parts["sign-verify"]["sizes"] if each["bytes"] == size)["rows"]
        ratio: float = next(row for row in rows if row["name"] == PAYSEAL)[operation]["ratio"][1]
        return ratio

    return figure


def _claims(ledger: str) -> Callable[[Figures], float]:
    def figure(parts: Figures) -> float:
        row = next(row for row in parts["ledger"]["rows"] if row["ledger"] == ledger)
        most: float = max(row["threads"], row["tasks"], row["more"])
        return most

    return figure


def _body(operation: str) -> Callable[[Figures], float]:
    def figure(parts: Figures) -> float:
        size: int = next(row for row in parts["memory"]["bodies"] if row["name"] == PAYSEAL)[operation]
        return size

    return figure


def _added(parts: Figures) -> float:
    percent: float = next(row for row in parts["middleware"]["rows"] if row["ledger"] == "memory")["added_percent"]
    return percent


def _times(value: float) -> str:
    return f"{value:.2f} ×"


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _a_second(value: float) -> str:
    return f"{value:,.0f}/s"


TARGETS: tuple[Target, ...] = (
    ("sign, 256 B", _ratio(256, "sign"), "≤", 1.8, _times),
    ("sign, 4 KiB", _ratio(4096, "sign"), "≤", 1.4, _times),
    ("sign, 1 MiB", _ratio(2**20, "sign"), "≤", 1.02, _times),
    ("verify, 256 B", _ratio(256, "verify"), "≤", 2.0, _times),
    ("verify, 4 KiB", _ratio(4096, "verify"), "≤", 1.4, _times),
    ("verify, 1 MiB", _ratio(2**20, "verify"), "≤", 1.02, _times),
    ("the middleware adds, memory ledger", _added, "≤", 15, _percent),
    ("claims, memory", _claims("memory"), "≥", 500_000, _a_second),
    ("claims, sqlite", _claims("sqlite"), "≥", 20_000, _a_second),
    ("claims, postgresql", _claims("postgresql"), "≥", 20_000, _a_second),
    ("claims, valkey", _claims("valkey"), "≥", 25_000, _a_second),
    ("extra memory, signing a large body", _body("sign"), "≤", 2**20, size_of),
    ("extra memory, verifying a large body", _body("verify"), "≤", 2**20, size_of),
)
