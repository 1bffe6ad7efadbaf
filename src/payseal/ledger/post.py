"""Results on their way from a ledger's thread to event loops: one bag a loop and group.

To wake a loop from another thread is a system call, and lets go of the interpreter's lock in the middle of a group: once for each result it
costs more than the claims do.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["Post"]

_T = TypeVar("_T")
_Letter: TypeAlias = "tuple[asyncio.Future[Any], Future[Any]]"


class Post:
    """Carries results. What becomes known in the thread that calls `send` waits for it; what becomes known elsewhere goes at once."""

    def __init__(self) -> None:
        self._sender = 0
        self._bags: dict[asyncio.AbstractEventLoop, list[_Letter]] = {}

    def collect(self) -> None:
        """This thread will call `send`."""
        self._sender = threading.get_ident()

    def send(self) -> None:
        """Deliver what has come together."""
        while self._bags:
            loop, bag = self._bags.popitem()
            _deliver(loop, bag)

    def awaited(self, future: Future[_T]) -> asyncio.Future[_T]:
        """The future's result, for the loop that runs here. To cancel it leaves the future as it is."""
        import asyncio

        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[_T] = loop.create_future()
        future.add_done_callback(functools.partial(self._known, loop, waiter))
        return waiter

    def _known(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[Any], future: Future[Any]) -> None:
        if threading.get_ident() == self._sender:
            self._bags.setdefault(loop, []).append((waiter, future))
        else:
            _deliver(loop, [(waiter, future)])


def _deliver(loop: asyncio.AbstractEventLoop, bag: list[_Letter]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        loop.call_soon_threadsafe(_open, bag)


def _open(bag: list[_Letter]) -> None:
    for waiter, future in bag:
        if waiter.done():
            continue  # cancelled meanwhile
        try:
            result = future.result()
        except CancelledError:
            waiter.cancel()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for whoever waits
            waiter.set_exception(error)
        else:
            waiter.set_result(result)
