"""Who may have a search made just now: one at a time, and all of them together no more than a share of the processor.

A search keeps the interpreter busy for as long as it takes. A flood of bad signatures, each searched, would leave little for good requests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["Turns"]

_T = TypeVar("_T")

#: Seconds of computing that can be used at once, and how many are added each second, up to that. About fifteen long searches in a row.
_SAVED: Final = 5.0
_SHARE: Final = 0.2
#: How many may wait for their turn.
_WAITING: Final = 4


class Turns:
    """For one event loop. ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._saved, self._at = _SAVED, clock()
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[], _T]) -> _T | None:
        """What ``work`` returns, from a thread of its own; ``None``, at once or after the wait, where there are too many just now."""
        if self._waiting >= _WAITING or not self._left():
            return None
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._timed, work) if self._left() else None
        finally:
            self._waiting -= 1

    def _left(self) -> bool:
        now = self._clock()
        self._saved, self._at = min(_SAVED, self._saved + (now - self._at) * _SHARE), now
        return self._saved > 0

    def _timed(self, work: Callable[[], _T]) -> _T:
        began = time.thread_time()  # not what others took meanwhile
        try:
            return work()
        finally:
            self._saved -= time.thread_time() - began
