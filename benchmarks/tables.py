"""The figures as tables: the same for a terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.sign_verify import shown

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below headings; the first column says what the row is, the others hold figures, or ``words``."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: bool = False

    def text(self) -> str:
        """For a terminal."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]
        shown = ["  ".join(map(self._aligned, line, widths, range(len(line)))) for line in lines]
        rule = "-" * max(map(len, shown))
        return "\n".join(
            [self.title, rule, shown[0].rstrip(), rule, *(line.rstrip() for line in shown[1:]), *([self.note] if self.note else [])]
        )

    def markdown(self) -> str:
        """For a page."""
        lines = [f"| {' | '.join(cells)} |" for cells in (self.headings, *self.rows)]
        lines.insert(1, "|---|" + ("---|" if self.words else "---:|") * (len(self.headings) - 1))
        return "\n".join([*lines, *(["", self.note] if self.note else [])])

    def _aligned(self, text: str, width: int, column: int) -> str:
        return text.ljust(width) if self.words or not column else text.rjust(width)


def sign_verify(part: Figures) -> list[Table]:
    """Two tables: signing, verifying."""
    return [_operation(part, operation) for operation in ("sign", "verify")]


def _operation(part: Figures, operation: str) -> Table:
    sizes = part["sizes"]
    headings = [operation]
    for size in sizes:
        headings += [shown(size["bytes"]), "ratio", "quartiles"]
    rows = [["hmac.digest"]]
    for size in sizes:
        rows[0] += _cells(size["digest"])
    for at, first in enumerate(sizes[0]["rows"]):
        if first[operation] is None:
            continue
        row = [f"{first['name']} {first['version']}".strip()]
        for size in sizes:
            row += _cells(size["rows"][at][operation])
        rows.append(row)
    missing = "; ".join(f"{name} ({why})" for name, why in part["missing"].items())
    return Table(f"{operation}: µs and ratio to hmac.digest", headings, rows, f"Left out: {missing}." if missing else "")


def _cells(one: Figures) -> list[str]:
    """Time, ratio and the ratio's quartiles."""
    low, middle, high = one["ratio"]
    return [f"{number(one['us'][1])} µs", number(middle), f"{number(low)}–{number(high)}"]


def covered(part: Figures) -> list[Table]:
    """What each row of the two tables does."""
    rows = [[f"{row['name']} {row['version']}".strip(), row["does"]] for row in part["sizes"][0]["rows"]]
    return [Table("what is signed", ["row", "what is signed"], rows, words=True)]


#: What stands in the middleware's place.
_LEAST: Final = {
    "passing": "one that does nothing",
    "reading": "one that only reads the body",
    "by-hand": "one by hand that verifies and remembers, the least",
}


def middleware(part: Figures) -> list[Table]:
    """CPU time a request, bare and behind the middleware."""
    rows = [
        [
            _LEAST.get(each["ledger"], f"payseal, {each['ledger']} ledger"),
            f"{each['bare']:.1f} µs",
            f"{each['behind']:.1f} µs",
            f"{each['added']:.1f} µs",
            f"{each['added_percent']:.1f} %",
            f"{each['added_percent_low']:.1f}–{each['added_percent_high']:.1f} %",
        ]
        for each in part["rows"]
    ]
    return [Table("the ASGI middleware: server CPU a request", ["", "bare uvicorn", "behind it", "added", "", "quartiles"], rows)]


def ledgers(part: Figures) -> list[Table]:
    """Claims a second."""
    rows = [[each["ledger"], *(f"{each[column]:,.0f}" for column in ("alone", "threads", "tasks", "more"))] for each in part["rows"]]
    many, more = part["callers"], part["more"]
    return [Table("ledgers: claims a second", ["", "alone", f"{many} threads", f"{many} tasks", f"{more} tasks"], rows)]


def explain(part: Figures) -> list[Table]:
    """Milliseconds until the mistake is proven."""
    rows = [
        [
            row["mistakes"],
            f"{row['requests']}",
            f"{row['right']}",
            *(" / ".join(f"{each:.1f}" for each in row[clock]) for clock in ("wall", "processor")),
            f"{row['examined']:g}",
        ]
        for row in part["rows"]
    ]
    headings = ["mistakes", "requests", "first cause right", "wall, ms", "processor, ms", "MACs, median"]
    return [Table("explain: median / 95 % under / most", headings, rows)]


def cold_import(part: Figures) -> list[Table]:
    """Milliseconds for a whole interpreter, and beyond an empty one."""
    empty = part["rows"][0]
    rows = [
        [
            row["name"],
            f"{row['least']:.1f} ms",
            f"{row['median']:.1f} ms",
            f"{row['least'] - empty['least']:.1f} ms" if row is not empty else "",
        ]
        for row in part["rows"]
    ]
    return [Table("cold import", ["", "least", "median", "beyond the interpreter"], rows)]


def memory(part: Figures) -> list[Table]:
    """Two tables: remembered ids, and a large body."""
    ids = [
        [
            f"{row['ledger']} ledger, {row['kind']}",
            f"{row['ids']:,}",
            f"{row['bytes'] / row['ids']:.0f} B",
            f"{row['bytes'] / row['ids']:.0f} MB",
        ]
        for row in part["ledgers"]
    ]
    bodies = [[row["name"], size_of(row["sign"]), size_of(row["verify"])] for row in part["bodies"]]
    return [
        Table("remembered ids", ["", "ids claimed", "each", "a million"], ids),
        Table(f"extra memory for a body of {shown(part['body_bytes'])}", ["", "sign", "verify"], bodies),
    ]


def size_of(count: float | None) -> str:
    """Bytes as they are read; nothing for what is not done."""
    if count is None:
        return ""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


#: Part → its tables.
TABLES: dict[str, Callable[[Figures], list[Table]]] = {
    "sign-verify": sign_verify,
    "middleware": middleware,
    "ledger": ledgers,
    "explain": explain,
    "cold-import": cold_import,
    "memory": memory,
}
