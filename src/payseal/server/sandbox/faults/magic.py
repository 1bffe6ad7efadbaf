"""Amounts that make something go wrong, in minor units: 400006 is 4000.06 in a currency of two decimals.

A declined payment is declined however often it is tried. What keeps an answer from its client happens once for each request id (or
transfer reference), so that the retry shows what a retry does.
"""

from __future__ import annotations

from typing import Final

from payseal.server.sandbox.faults.kinds import Fault, Kind

__all__ = ["MAGIC"]

MAGIC: Final[dict[int, Fault]] = {
    400001: Fault.of(Kind.DECLINE),
    400002: Fault.of(Kind.SLOW),
    400003: Fault.of(Kind.TIMEOUT_BEFORE),
    400004: Fault.of(Kind.TIMEOUT_AFTER),
    400005: Fault.of(Kind.ERROR_BEFORE),
    400006: Fault.of(Kind.ERROR_AFTER),
    400007: Fault.of(Kind.DROP_BEFORE),
    400008: Fault.of(Kind.DROP_AFTER),
}
