"""The parts that are programs of their own: the middleware, the ledgers, explain. Their figures, in the form that the tables want."""

from __future__ import annotations

import tempfile
from typing import Any

from benchmarks.child import Unavailable, figures_of


def middleware(*, requests: int, rounds: int) -> dict[str, Any]:
    """The same application bare and behind the middleware, with each ledger that needs no server; and behind the least there can be."""
    options = ("--requests", str(requests), "--rounds", str(rounds))
    with tempfile.TemporaryDirectory() as folder:
        urls = ("memory://", f"sqlite:///{folder}/ledger.db", "passing", "reading", "by-hand")
        rows = [
            figures_of("middleware.py", "--ledger", url, *options, part=f"middleware, {url.partition(':')[0]}", limit=120) for url in urls
        ]
    return {"rows": rows}


def ledger(*, seconds: float) -> dict[str, Any]:
    """Claims a second, each ledger alone and under many callers; ``seconds`` for each figure."""
    return figures_of("ledger.py", "--seconds", str(seconds), part="ledger", limit=180)  # type: ignore[no-any-return]


def explain() -> dict[str, Any]:
    """How long it takes to say what was wrong."""
    return figures_of("explain.py", part="explain", limit=150)  # type: ignore[no-any-return]


def not_quickly() -> dict[str, Any]:
    """What a quick run has no time for."""
    raise Unavailable("it takes half a minute: scripts/bench --only explain")
