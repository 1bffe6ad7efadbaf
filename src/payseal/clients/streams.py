"""A body as httpx streams it, from the beginning each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from payseal.clients.bodies import Body

__all__ = ["ReplayedStream"]


class ReplayedStream:
    """Mixed into the byte streams of httpx or httpx2, synchronous and asynchronous."""

    def __init__(self, body: Body) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.body)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # Read without a thread: a piece of a local file that was written a moment ago. httpx does the same with multipart files.
        for piece in self.body:
            yield piece
