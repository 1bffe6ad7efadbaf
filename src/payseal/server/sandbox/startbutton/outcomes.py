"""How a transfer goes on after it was taken, and which amounts make it end otherwise than well."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["GIVEN_BACK", "MAGIC", "PLANS", "USUAL", "Status"]


class Status(StrEnum):
    """What a transfer says of itself."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    REVERSED = "reversed"


#: By name: which status follows which, each after the settings' ``settle_after``. Where none follows, the transfer stays as it is.
PLANS: Final[Mapping[str, Mapping[Status, Status]]] = {
    "succeeds": {Status.PENDING: Status.SUCCESSFUL},
    "fails": {Status.PENDING: Status.FAILED},
    "is-reversed": {Status.PENDING: Status.SUCCESSFUL, Status.SUCCESSFUL: Status.REVERSED},
    "stays-pending": {},
}
USUAL: Final = "succeeds"

#: Amount in minor units → plan.
MAGIC: Final[Mapping[int, str]] = {400011: "fails", 400012: "is-reversed", 400013: "stays-pending"}

#: A transfer that comes to one of these puts its amount back into the wallet.
GIVEN_BACK: Final = frozenset({Status.FAILED, Status.REVERSED})
