"""A variant: one dimension of a request as a client may have had it when it signed; and a dimension: all of them, made when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """The variants of one thing, by how many mistakes they take, the likeliest first; each is made when it is first asked for. ``make``
    gives those with that many (and may give others, which are passed over); ``right`` are the values that belong there."""

    def __init__(self, make: Callable[[int], Iterable[Variant[T]]], right: Iterable[T] = ()) -> None:
        self._make = make
        self._seen = set(right)
        self._made: list[list[Variant[T]]] = []
        self._coming: list[Iterator[Variant[T]]] = []

    def of(self, mistakes: int, start: int = 0, stop: int | None = None) -> Iterator[Variant[T]]:
        """The variants with that many mistakes, without those that fewer mistakes lead to: from one place up to another."""
        while len(self._made) < mistakes:
            for made, coming in zip(self._made, self._coming, strict=True):
                made.extend(coming)
            self._made.append([])
            self._coming.append(self._new(len(self._made)))
        made, coming = self._made[mistakes - 1], self._coming[mistakes - 1]
        place = start
        while stop is None or place < stop:
            while len(made) <= place:
                variant = next(coming, None)
                if variant is None:
                    return
                made.append(variant)
            yield made[place]
            place += 1

    def _new(self, mistakes: int) -> Iterator[Variant[T]]:
        for variant in self._make(mistakes):
            if len(variant.codes) == mistakes and variant.value not in self._seen:
                self._seen.add(variant.value)
                yield variant
