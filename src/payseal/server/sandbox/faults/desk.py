"""Where the operator's orders to fail lie until a request meets them."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from payseal.server.sandbox.faults.kinds import Fault

__all__ = ["Desk", "Rule"]

#: Request ids whose one failure is remembered.
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """An order: the next ``times`` requests (``None``: all) to ``provider`` (``None``: any) under ``path`` meet the fault."""

    fault: Fault
    provider: str | None = None
    path: str = "/"
    times: int | None = 1
    id: int = 0


class Desk:
    """The orders, and what has had its failure. In memory: a restart forgets them. Safe to use from several threads.

    ``sleep`` waits for a slow answer, in a thread of its own.
    """

    def __init__(self, sleep: Callable[[float], object] | None = None) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._rules: list[Rule] = []
        self._failed: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._closing = threading.Event()
        #: Waits, and stops waiting when the sandbox does.
        self.sleep: Callable[[float], object] = sleep or self._closing.wait

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closing.set()

    def add(self, rule: Rule) -> Rule:
        """Lay down an order; returned with its id."""
        with self._lock:
            rule = replace(rule, id=next(self._ids))
            self._rules.append(rule)
            return rule

    def rules(self) -> list[Rule]:
        """The orders that are left, oldest first."""
        with self._lock:
            return list(self._rules)

    def clear(self, id: int | None = None) -> int:
        """Take back one order, or all; returns how many."""
        with self._lock:
            before = len(self._rules)
            self._rules = [] if id is None else [rule for rule in self._rules if rule.id != id]
            return before - len(self._rules)

    def take(self, provider: str, path: str) -> Fault | None:
        """The fault that a request meets: the oldest order that fits, one time less of it."""
        with self._lock:
            for place, rule in enumerate(self._rules):
                if rule.provider in (None, provider) and path.startswith(rule.path):
                    if rule.times is not None and rule.times <= 1:
                        del self._rules[place]
                    elif rule.times is not None:
                        self._rules[place] = replace(rule, times=rule.times - 1)
                    return rule.fault
        return None

    def first_time(self, provider: str, key: str) -> bool:
        """Whether this id has not had its one failure yet; it has from now on."""
        with self._lock:
            if (provider, key) in self._failed:
                return False
            self._failed[provider, key] = None
            if len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
            return True
