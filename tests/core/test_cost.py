"""What signing, verifying and the middleware cost, counted instead of timed, so that a slow-down is seen on any machine, however busy.

The counts are those of `benchmarks/instructions.py`. Where one of them goes up for a reason, write the new one here with the change that
needs it; where one goes down, write it here too, or the next slow-down hides in the difference.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def load() -> Any:
    spec = importlib.util.spec_from_file_location("instructions", Path(__file__).parents[2] / "benchmarks" / "instructions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


instructions = load()
WORK: dict[str, Callable[[], object]] = instructions.work()
#: Calls of functions, written in Python or in C: a version of Python changes few of them.
CALLS = {"sign": 20, "verify": 30, "read": 29, "check": 26, "request": 8, "middleware": 83}
#: Instructions of the interpreter of Python 3.11.
OPCODES = {"sign": 186, "verify": 367, "read": 323, "check": 343, "request": 116, "middleware": 1243}
MARGIN = 1.1


def test_everything_is_counted() -> None:
    assert set(WORK) == set(CALLS) == set(OPCODES)


@pytest.mark.parametrize("name", CALLS)
def test_no_more_functions_are_called(name: str) -> None:
    counted = instructions.calls(WORK[name])
    assert counted <= CALLS[name] * MARGIN + 1
    assert counted >= CALLS[name] * 0.7, "that is less: write it down"


on_3_11 = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="each version of Python has instructions of its own, and these are 3.11's"
)


@on_3_11
@pytest.mark.parametrize("name", OPCODES)
def test_no_more_instructions_are_run(name: str) -> None:
    counted = instructions.opcodes(WORK[name])
    assert counted <= OPCODES[name] * MARGIN
    assert counted >= OPCODES[name] * 0.8, "that is less: write it down"


def little() -> int:
    return len("a")


def more() -> int:
    return len("a") + len("b") + little()


def test_more_calls_count_as_more() -> None:
    assert 0 < instructions.calls(little) < instructions.calls(more)
    assert instructions.calls(little) == 2


@on_3_11
def test_more_instructions_count_as_more() -> None:
    assert 0 < instructions.opcodes(little) < instructions.opcodes(more)
