"""The chart: the ratio to `hmac.digest` of everybody who signs and verifies, one panel a size, as SVG.

The scale is logarithmic, for the slowest is a hundred times the fastest. Colours follow the reader's light or dark setting; letters are
the system's own.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

from benchmarks.ours import PAYSEAL
from benchmarks.sign_verify import shown

WIDTH, LABELS, GAP = 980, 236, 22
TOP, ROW, BOTTOM = 84, 26, 44
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
STYLE = """
svg { --back: #ffffff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --band: #eef4ff; --sign: #0969da; --verify: #bc4c00 }
@media (prefers-color-scheme: dark) {
svg { --back: #0d1117; --text: #f0f6fc; --soft: #9198a1; --line: #3d444d; --band: #152238; --sign: #58a6ff; --verify: #f0883e } }
text { font: 13px system-ui, sans-serif; fill: var(--text) }
.soft { fill: var(--soft); font-size: 12px } .head { font-weight: 600 } .ours { font-weight: 600 }
.back { fill: var(--back) } .band { fill: var(--band) } .grid { stroke: var(--line) } .one { stroke: var(--soft) }
.sign { fill: var(--sign); stroke: var(--sign) } .verify { fill: var(--verify); stroke: var(--verify) }
line.sign, line.verify { stroke-width: 2 }
""".strip()


def chart(part: dict[str, Any]) -> str:
    """The SVG for the figures of ``sign-verify``."""
    sizes = part["sizes"]
    names = [row["name"] for row in sizes[0]["rows"]]
    height = TOP + ROW * len(names) + BOTTOM
    scale = Scale([one["ratio"] for size in sizes for row in size["rows"] for one in (row["sign"], row["verify"]) if one], len(sizes))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>Signing and verifying: time as a multiple of hmac.digest over the same body</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        '<text class="head" x="16" y="28">Time as a multiple of hmac.digest over the same body</text>',
        *legend(),
    ]
    for at, name in enumerate(names):
        ours = name.startswith(PAYSEAL)
        if ours:
            lines.append(f'<rect class="band" y="{TOP + at * ROW}" width="{WIDTH}" height="{ROW}"/>')
        lines.append(f'<text{" class=" + chr(34) + "ours" + chr(34) if ours else ""} x="16" y="{middle(at) + 4.5}">{escape(name)}</text>')
    for number, size in enumerate(sizes):
        lines += panel(scale, number, size, height)
    return "\n".join([*lines, "</svg>", ""])


class Scale:
    """Where a ratio stands: the same scale in each panel, from a little less than the hash to the slowest."""

    def __init__(self, ratios: list[list[float]], panels: int) -> None:
        self.least = min(0.8, *(each[0] for each in ratios))
        self.most = max(2.0, *(each[2] for each in ratios)) * 1.05
        self.width = (WIDTH - LABELS - GAP * panels) / panels

    def at(self, panel: int, ratio: float) -> float:
        """Pixels from the left."""
        part = math.log(ratio / self.least) / math.log(self.most / self.least)
        return round(LABELS + panel * (self.width + GAP) + part * self.width, 1)

    def ticks(self) -> list[int]:
        """Those that fit."""
        return [tick for tick in TICKS if self.least <= tick <= self.most]


def panel(scale: Scale, number: int, size: dict[str, Any], height: int) -> list[str]:
    """One size: its grid, and two marks a row with a line from quartile to quartile."""
    foot = height - BOTTOM
    lines = [f'<text class="head" x="{scale.at(number, scale.least)}" y="{TOP - 14}">{shown(size["bytes"])}</text>']
    for tick in scale.ticks():
        x = scale.at(number, tick)
        lines.append(f'<line class="{"one" if tick == 1 else "grid"}" x1="{x}" x2="{x}" y1="{TOP}" y2="{foot}"/>')
        lines.append(f'<text class="soft" text-anchor="middle" x="{x}" y="{foot + 18}">{tick}</text>')
    for at, row in enumerate(size["rows"]):
        for operation, offset in (("sign", -4), ("verify", 4)):
            if row[operation]:
                lines += mark(operation, [scale.at(number, each) for each in row[operation]["ratio"]], middle(at) + offset)
    return lines


def mark(operation: str, places: list[float], y: float) -> list[str]:
    """A disc for signing, a square for verifying: told apart without their colours as well."""
    low, x, high = places
    line = f'<line class="{operation}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
    if operation == "sign":
        return [line, f'<circle class="sign" cx="{x}" cy="{y}" r="4"/>']
    return [line, f'<rect class="verify" x="{x - 3.5:.1f}" y="{y - 3.5}" width="7" height="7"/>']


def legend() -> list[str]:
    """What the marks mean."""
    return [
        *mark("sign", [16, 24, 32], 50),
        '<text class="soft" x="38" y="54">sign</text>',
        *mark("verify", [80, 88, 96], 50),
        '<text class="soft" x="102" y="54">verify</text>',
        '<text class="soft" x="158" y="54">the line goes from quartile to quartile</text>',
    ]


def middle(at: int) -> float:
    """Of a row, in pixels from above."""
    return TOP + at * ROW + ROW / 2
