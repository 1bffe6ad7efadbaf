"""Failing on purpose: what can be made to go wrong, which amounts and which orders of the operator make it so, and how it happens."""

from __future__ import annotations

from payseal.server.sandbox.faults.desk import Desk, Rule
from payseal.server.sandbox.faults.kinds import KINDS, Fault, Kind
from payseal.server.sandbox.faults.stage import Stage, stage_of

__all__ = ["KINDS", "Desk", "Fault", "Kind", "Rule", "Stage", "stage_of"]
