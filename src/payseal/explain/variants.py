"""A variant: one dimension of a request as a client may have had it when it signed; and a dimension: all of them, made when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Dimension", "Variant"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Variant(Generic[T]):
    """One value and the mistakes that lead to it: as many as there are codes."""

    value: T = field(repr=False)
    codes: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


class Dimension(Generic[T]):
    """The variants of one thing, by how many mistakes they take, the likeliest first. ``make`` gives those with that many (and may give
    others, which are passed over); ``right`` are the values that belong there."""

    def __init__(self, make: Callable[[int], Iterable[Variant[T]]], right: Iterable[T] = ()) -> None:
        self._make = make
        self._seen = set(right)
        self._made: list[list[Variant[T]]] = []

    def of(self, mistakes: int) -> list[Variant[T]]:
        """The variants with that many mistakes, without those that fewer mistakes lead to."""
        while len(self._made) < mistakes:
            count, kept = len(self._made) + 1, []
            for variant in self._make(count):
                if len(variant.codes) == count and variant.value not in self._seen:
                    self._seen.add(variant.value)
                    kept.append(variant)
            self._made.append(kept)
        return self._made[mistakes - 1]
