"""Runs another benchmark as a process of its own and brings its figures back, as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.progress import Progress

ROOT = Path(__file__).resolve().parent.parent


class Unavailable(Exception):
    """A part that cannot be measured here; the text says why."""


def figures_of(script: str, *arguments: str, part: str, limit: float) -> Any:
    """What ``benchmarks/<script> --json FILE`` writes. What it prints is shown as it comes, on standard error. ``limit`` is in seconds.

    Raises `Unavailable` when there is no such script, when it fails or takes too long.
    """
    path = ROOT / "benchmarks" / script
    if not path.exists():
        raise Unavailable(f"benchmarks/{script} is not there")
    with tempfile.TemporaryDirectory() as folder, Progress(part):
        file = Path(folder) / "figures.json"
        run([sys.executable, str(path), *arguments, "--json", str(file)], limit)
        if not file.exists():
            raise Unavailable(f"benchmarks/{script} wrote no figures")
        return json.loads(file.read_text("utf-8"))


def run(command: Sequence[str], limit: float) -> None:
    """To its end. Raises `Unavailable` when that is not a good one."""
    try:
        ended = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"it took longer than {limit:.0f} s") from None
    if ended.returncode:
        raise Unavailable(f"it ended with {ended.returncode}; what it printed says why")


def line_of(module: str, *arguments: str, limit: float) -> Any:
    """The JSON that ``python -m benchmarks.<module>`` prints, in a process that has done nothing else. Raises `Unavailable`."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    try:
        ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"it took longer than {limit:.0f} s") from None
    if ended.returncode:
        raise Unavailable(f"it ended with {ended.returncode}; what it printed says why")
    return json.loads(ended.stdout)
