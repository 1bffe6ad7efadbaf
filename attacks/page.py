"""docs/attacks.md from docs/attacks.json: the text is written by hand, the tables between two marks are made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "attacks.md"
FIGURES = DOCS / "attacks.json"
HEADINGS = ("attack or fault", "tried", "got through", "seen instead", "in the everyday tests")
_BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z_]+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """As words."""
    alone = len(row["seen"]) == 1
    seen = "; ".join(what if alone and times == row["tried"] else f"{what} ({times:,})" for what, times in row["seen"].items())
    return row["attack"], f"{row['tried']:,}", f"{row['through']:,}", seen, row["tests"]


def text(heading: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """For a terminal."""
    lines = [HEADINGS[:4], *(cells(row)[:4] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    shown = [
        "  ".join([line[0].ljust(widths[0]), *(line[column].rjust(widths[column]) for column in (1, 2)), line[3]]).rstrip()
        for line in lines
    ]
    return "\n".join([heading, shown[0], "-" * len(shown[0]), *shown[1:]])


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """For the page."""
    lines = [f"| {' | '.join(HEADINGS)} |", "|---|---:|---:|---|---|"]
    for row in rows:
        *words, test = cells(row)
        lines.append(f"| {' | '.join(word.replace('|', chr(92) + '|') for word in words)} | `{test}` |")
    return "\n".join(lines)


def total(parts: Mapping[str, Any]) -> str:
    """One sentence over all parts."""
    rows = [row for part in parts.values() for row in part["rows"]]
    tried, through = sum(row["tried"] for row in rows), sum(row["through"] for row in rows)
    minutes = sum(part["seconds"] for part in parts.values()) / 60
    days = sorted({part["measured"] for part in parts.values()})
    return f"{tried:,} tried in {len(rows)} ways, **{through:,} got through** ({' to '.join(days[:1] + days[1:][-1:])}, {minutes:.0f} minutes)."


def made(page: str, parts: Mapping[str, Any]) -> str:
    """The page with every block made anew."""

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        return f"{match[1]}\n{total(parts) if name == 'total' else markdown(parts[name]['rows'])}\n\n"

    return _BLOCK.sub(block, page)


def write(parts: Mapping[str, Any]) -> None:
    """Figures and page; a part that was not run this time stays as it was."""
    known = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    known = {**known, **parts}
    FIGURES.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(made(PAGE.read_text("utf-8"), known), "utf-8")
