"""Which targets there are, and what each is: a module with ``one`` and ``seeds``, a dictionary, a corpus."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

__all__ = ["HERE", "TARGETS", "Module", "Target", "broken", "kept"]

HERE = Path(__file__).resolve().parent
#: Name, which is also the module's, the dictionary's and the corpus's; and what its inputs are.
TARGETS = {
    "request": "a request as it arrives, to both paths of a verifier and to explain",
    "template": "templates, patterns and formats of time, and what is read with them",
    "captured": "a captured request: raw HTTP, HAR, a curl command",
    "scheme_file": "a scheme file",
    "json_body": "a JSON body as the sandbox reads it",
}


class Module(Protocol):
    """What a target's module has."""

    def one(self, data: bytes) -> str:
        """Tries one input. Returns what came of it, in a word or two; raises whatever must never happen."""

    def seeds(self) -> Sequence[bytes]:
        """Inputs to begin with, made anew each time so that none of them is out of date."""


@dataclass(frozen=True)
class Target:
    """One target, and where what belongs to it lies."""

    name: str
    module: str
    corpus: Path
    dictionary: Path

    @classmethod
    def named(cls, name: str) -> Target:
        """One of `TARGETS`."""
        return cls(name, f"fuzz.{name}", HERE / "corpus" / name, HERE / f"{name}.dict")

    def load(self) -> Module:
        """Its module."""
        return cast(Module, importlib.import_module(self.module))


def kept(target: Target) -> list[bytes]:
    """The inputs of the corpus, in an order that does not change."""
    return [path.read_bytes() for path in sorted(target.corpus.glob("*")) if path.is_file()] if target.corpus.is_dir() else []


def broken(condition: object, what: str) -> None:
    """Raises `AssertionError` when that is true: an invariant does not hold. A function, so that ``python -O`` finds as much."""
    if condition:
        raise AssertionError(what)
