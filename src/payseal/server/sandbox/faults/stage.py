"""The fault that one request meets, on its way from the layer around the guard to the handler behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from payseal.server.sandbox.faults.desk import Desk
from payseal.server.sandbox.faults.kinds import Fault, Kind
from payseal.server.sandbox.faults.magic import MAGIC

__all__ = ["KEY", "Stage", "Staged", "stage_of"]

#: Where the stage stands in an ASGI scope.
KEY: Final = "payseal.sandbox.stage"


class Staged(Exception):
    """Nothing is to be done: the layer around the guard ends the exchange as the stage says."""


@dataclass(slots=True)
class Stage:
    """One request's. ``fault`` is what the layer has still to do with the answer."""

    desk: Desk
    provider: str
    fault: Fault | None = None

    def meet(self, minor_units: int, key: str) -> bool:
        """Let a magic amount take effect: to be called by a handler when its request is valid and before its work, in a worker thread.

        ``key`` is the request id, or what else stays the same when the client tries again. Returns whether the payment is to be
        declined. Raises `Staged` where the work must not be done; the provider's application turns that into an answer.
        """
        fault = self.fault or MAGIC.get(minor_units)
        if fault is None or (self.fault is None and fault.kind is not Kind.DECLINE and not self.desk.first_time(self.provider, key)):
            return False
        if fault.kind is Kind.DECLINE:
            return True
        if self.fault is None:
            self.fault = fault
            if fault.kind is Kind.SLOW:
                self.desk.sleep(fault.seconds)
            elif fault.kind in (Kind.ERROR_BEFORE, Kind.TIMEOUT_BEFORE, Kind.DROP_BEFORE):
                raise Staged
        return False


def stage_of(request: Request) -> Stage:
    """The stage of a request that came through the fault layer."""
    stage: Stage = request.scope[KEY]
    return stage
