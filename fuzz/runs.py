"""Runs a target for some seconds in a process of its own, and says what came of it; keeps what was found, if that is wanted."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fuzz.chance import LONGEST, SLOW
from fuzz.targets import HERE, Target
from fuzz.worker import GUIDED

__all__ = ["CRASHES", "MOST_BYTES", "MOST_FILES", "Run", "run"]

CRASHES: Final = HERE / "crashes"
#: Megabytes of memory that are a crash.
_MEMORY: Final = 1_024
#: Seconds that a process may take to begin and to end, on a busy machine.
_GRACE: Final = 120
#: A corpus stays this small: files, bytes.
MOST_FILES, MOST_BYTES = 300, 150_000


@dataclass(frozen=True)
class Run:
    """What came of one run."""

    target: str
    inputs: int
    seconds: float
    #: Places in payseal's code that were reached, as libFuzzer counts them; ``None`` without it.
    edges: int | None
    #: Inputs that each reached something of their own, at the end.
    corpus: int | None
    #: Inputs that did what must not happen, one a file.
    crashes: tuple[Path, ...]
    #: What came of the inputs, in words, and how often.
    outcomes: Mapping[str, int]
    #: What the process said, where it crashed.
    said: str
    #: Files of the corpus afterwards, where it was kept.
    kept: int | None = None


def run(target: Target, seconds: float, *, keep: bool = False, crashes: Path = CRASHES) -> Run:
    """Fuzz for so long. Crashes are written into that folder; ``keep`` adds what was found to the target's corpus, as little as will do."""
    with tempfile.TemporaryDirectory() as folder:
        found, seeds, crashed, counts = (Path(folder, name) for name in ("found", "seeds", "crashed", "counts.json"))
        for each in (found, seeds, crashed):
            each.mkdir()
        for data in target.load().seeds():
            _write(seeds, data)
        inputs = [str(found), str(seeds), *([str(target.corpus)] if target.corpus.is_dir() else [])]
        options = [f"-max_total_time={max(1, round(seconds))}", f"-timeout={SLOW}", f"-rss_limit_mb={_MEMORY}", f"-max_len={LONGEST}"]
        options += ["-print_final_stats=1", f"-artifact_prefix={crashed}/{target.name}-"]
        options += [f"-dict={target.dictionary}"] if target.dictionary.exists() else []
        said, code = _process(target, [*options, *inputs], seconds, crashed, counts)
        counted: dict[str, Any] = {"seconds": 0.0, "outcomes": {}}
        if counts.exists():
            counted = json.loads(counts.read_text("utf-8"))
        outcomes: dict[str, int] = counted["outcomes"]
        crashes.mkdir(parents=True, exist_ok=True)
        new = tuple(Path(shutil.copy(path, crashes)) for path in sorted(crashed.iterdir()))
        if code and not new:  # not the fuzzed code but what is around it
            raise RuntimeError(f"{target.name} could not be fuzzed (exit code {code}):\n{said[-4000:]}")
        files = _keep(target, seeds, found, seconds) if keep and GUIDED else None
    return Run(
        target.name,
        sum(outcomes.values()),
        counted["seconds"],
        _last(r"\bcov: (\d+)", said),
        _last(r"\bcorp: (\d+)", said),
        new,
        dict(sorted(outcomes.items(), key=lambda each: -each[1])),
        said[max(0, said.find("=== Uncaught")) :] if new else "",
        files,
    )


def _process(target: Target, arguments: Sequence[str], seconds: float, crashed: Path, counts: Path) -> tuple[str, int]:
    """What it said, and its exit code."""
    given = {
        "name": target.name,
        "module": target.module,
        "corpus": str(target.corpus),
        "dictionary": str(target.dictionary),
        "counts": str(counts),
        "seconds": seconds,
        "arguments": list(arguments),
        "artifacts": f"{crashed}/{target.name}-",
    }
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.worker", json.dumps(given)],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds + _GRACE,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace"), done.returncode


def _last(expression: str, text: str) -> int | None:
    found = re.findall(expression, text)
    return int(found[-1]) if found else None


def _write(folder: Path, data: bytes) -> None:
    (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _keep(target: Target, seeds: Path, found: Path, seconds: float) -> int:
    """The corpus anew: of what was there and what was found the smallest inputs that reach what the seeds do not. Returns how many."""
    merged, old = found.with_name("merged"), found.with_name("old")
    shutil.copytree(seeds, merged)
    target.corpus.mkdir(parents=True, exist_ok=True)
    shutil.copytree(target.corpus, old)  # libFuzzer quotes no path when it starts itself again
    options = ["-merge=1", "-use_counters=0", f"-timeout={SLOW}", f"-rss_limit_mb={_MEMORY}", f"-max_len={LONGEST}"]
    said, code = _process(target, [*options, str(merged), str(old), str(found)], seconds, found.parent, found.with_name("merge.json"))
    if code:
        raise RuntimeError(f"the corpus of {target.name} could not be merged (exit code {code}):\n{said[-4000:]}")
    given = {path.name for path in seeds.iterdir()}
    inputs = sorted((path.read_bytes() for path in merged.iterdir() if path.name not in given), key=lambda data: (len(data), data))
    for path in target.corpus.iterdir():
        path.unlink()
    size = 0
    for number, data in enumerate(inputs):
        size += len(data)
        if number >= MOST_FILES or size > MOST_BYTES:
            break
        _write(target.corpus, data)
    return len(list(target.corpus.iterdir()))
