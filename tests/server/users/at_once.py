"""The same thing done by several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["at_once"]

_Result = TypeVar("_Result")


def at_once(number: int, work: Callable[[], _Result]) -> list[_Result]:
    """What so many threads got that began together. Raises what one of them raised."""
    results: list[_Result] = []
    errors: list[BaseException] = []
    start = threading.Barrier(number)

    def run() -> None:
        try:
            start.wait(timeout=30)
            results.append(work())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
