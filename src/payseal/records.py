"""How a frozen record is made quickly.

The ``__init__`` of a frozen dataclass goes through ``object.__setattr__`` for each field, which takes longer than the comparison of a MAC.
A record that is made for every request is made otherwise: as an object of a plain class with the same slots, whose fields are set as
any attribute is, and which becomes a record by taking on its class.

    made = Open()
    made.keyid = keyid
    made.nonce = nonce   # every field, each by itself: several at once are put into a tuple first
    made.__class__ = Record
"""

from __future__ import annotations

from typing import Any

__all__ = ["opened"]


def opened(record: type[Any]) -> Any:
    """A class of the same layout as a frozen dataclass with slots, and nothing else of it."""
    return type(f"_Open{record.__name__}", (), {"__slots__": record.__slots__})
