"""A variant: one dimension of a request as a client may have had it when it signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

__all__ = ["Variant", "distinct"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Variant(Generic[T]):
    """One value and the mistakes that lead to it: as many as there are codes."""

    value: T = field(repr=False)
    codes: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


def distinct(variants: Iterable[Variant[T]], baseline: Iterable[T] = (), key: Callable[[T], Any] = lambda value: value) -> list[Variant[T]]:
    """The variants without those that make no difference: of equal values the one with the fewest mistakes, the earlier one first."""
    seen = {key(value) for value in baseline}
    kept = []
    for variant in sorted(variants, key=lambda variant: len(variant.codes)):
        mark = key(variant.value)
        if mark not in seen:
            seen.add(mark)
            kept.append(variant)
    return kept
