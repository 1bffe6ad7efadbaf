"""Searches for a cause take turns, and together no more than their share: a flood of refusals starves nobody."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from payseal.server.sandbox import turns
from payseal.server.sandbox.turns import Turns
from tests.clock import Clock

from .conftest import Sandbox
from .samples import SALE
from .test_explained import spoilt


def burnt() -> bool:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return True


def test_what_was_saved_is_used_up_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_SAVED", 0.03)
    clock = Clock()
    asked: list[bool | None] = []

    async def ask() -> None:
        some = Turns(clock)
        asked.extend([await some.run(burnt) for _ in range(4)])  # 0.03 are enough to begin a second one
        clock.now += 0.01 / turns._SHARE
        asked.append(await some.run(burnt))
        clock.now += 1e6
        asked.extend([await some.run(burnt) for _ in range(3)])  # no more was saved than fits

    asyncio.run(ask())
    assert asked == [True, True, None, None, None, True, True, None]


def test_few_wait_and_the_others_are_told_at_once() -> None:
    going, begun = threading.Event(), threading.Event()

    def slow() -> bool:
        begun.set()
        return going.wait(10)

    async def ask() -> list[bool | None]:
        some = Turns()
        waiting = [asyncio.ensure_future(some.run(slow)) for _ in range(turns._WAITING)]
        await asyncio.to_thread(begun.wait, 10)
        too_many = await some.run(slow)
        going.set()
        return [*await asyncio.gather(*waiting), too_many]

    assert asyncio.run(ask()) == [*[True] * turns._WAITING, None]


def test_a_search_that_fails_gives_its_turn_back_and_counts() -> None:
    def fails() -> bool:
        burnt()
        raise ZeroDivisionError

    async def ask() -> tuple[bool, bool | None]:
        some = Turns()
        before = some._saved
        with pytest.raises(ZeroDivisionError):
            await some.run(fails)
        return some._saved < before - 0.01, await some.run(burnt)

    assert asyncio.run(ask()) == (True, True)


def test_a_refusal_without_a_search_says_so(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turns, "_left", lambda self: False)
    answer = spoilt(sandbox, json.dumps(SALE).encode(), json.dumps(SALE, separators=(",", ":")).encode())
    assert (answer.status, answer.json["payseal"]["code"]) == (401, "invalid-signature")
    assert "could not be explained just now" in answer.json["payseal"]["unexplained"]
    assert "cause" not in answer.json["payseal"]
