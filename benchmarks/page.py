"""docs/performance.md and its chart, from docs/performance.json. The text is written by hand; what stands between two marks is made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.chart import chart
from benchmarks.sign_verify import shown
from benchmarks.tables import TABLES, covered
from benchmarks.targets import targets

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "performance.md"
FIGURES = DOCS / "performance.json"
CHART = DOCS / "images" / "performance.svg"
_BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def made(page: str, results: dict[str, Any]) -> dict[Path, str]:
    """The page with every block made anew, and the chart."""
    text = _BLOCK.sub(lambda match: f"{match[1]}\n{block(match['name'], results)}\n\n", page)
    part = results["parts"].get("sign-verify")
    return {PAGE: text} | ({CHART: chart(part["figures"])} if part else {})


def block(name: str, results: dict[str, Any]) -> str:
    """What stands between the marks of that name."""
    parts = {part: each["figures"] for part, each in results["parts"].items()}
    if name == "machine":
        return machine(results)
    if name == "targets":
        return "\n\n".join(table.markdown() for table in targets(parts))
    part = "sign-verify" if name == "covered" else name
    if part not in parts:
        return f"Not measured: {results['unavailable'].get(part, 'this part was not asked for')}."
    tables = covered(parts[part]) if name == "covered" else TABLES[part](parts[part])
    return "\n\n".join(table.markdown() for table in tables)


def machine(results: dict[str, Any]) -> str:
    """What it was measured on, and how."""
    at = results["machine"]
    lines = [f"{at['python']}, {at['openssl']}, {at['system']}, {at['cores']} cores ({at['processor']}); payseal {at['payseal']}."]
    for name, part in results["parts"].items():
        busy = "" if part["load"] is None else f", load {part['load']:g} when it began"
        lines.append(f"- {name}: {part['measured']}, {part['seconds']:.0f} s{busy}{', a quick run' if part['quick'] else ''}{rounds(part)}")
    return "\n".join([lines[0], "", *lines[1:]])


def rounds(part: dict[str, Any]) -> str:
    """How often, where it is not the same for all."""
    sizes = part["figures"].get("sizes", ())
    return "".join(f", {size['rounds']} rounds of {shown(size['bytes'])}" for size in sizes)


def write(results: dict[str, Any]) -> list[Path]:
    """The figures, the page and the chart."""
    FIGURES.write_text(as_json(results), "utf-8")
    files = made(PAGE.read_text("utf-8"), results)
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return [FIGURES, *files]


def as_json(results: dict[str, Any]) -> str:
    """A line for each row, so that two runs can be compared."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"
