"""Lists of texts without spaces in them, written as prose is."""

from __future__ import annotations

__all__ = ["words"]


def words(text: str) -> tuple[str, ...]:
    """What stands between spaces and line ends."""
    return tuple(text.split())
