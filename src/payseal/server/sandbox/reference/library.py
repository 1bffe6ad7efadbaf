"""The documents of all providers and the pages made from them: made when first asked for, then kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from payseal.server.sandbox.openapi import by_provider, document
from payseal.server.sandbox.provider import Mount
from payseal.server.sandbox.reference.pages import Operation, operations_of, reference_page, start_page

__all__ = ["Library"]


class Library:
    """All that there is to read about these mounts. Safe to use from several threads: at worst something is made twice."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = by_provider(mounts)
        self._pages: dict[str, str] = {}

    @cached_property
    def documents(self) -> dict[str, dict[str, Any]]:
        """Each provider's OpenAPI document, by its name."""
        return {name: document(mounts) for name, mounts in self.mounts.items()}

    @cached_property
    def operations(self) -> dict[str, list[Operation]]:
        """Each provider's operations, by its name."""
        return {name: operations_of(self.documents[name], mounts) for name, mounts in self.mounts.items()}

    @cached_property
    def start(self) -> str:
        """The start page."""
        return start_page(self.operations, self._titles)

    def page(self, name: str) -> str:
        """A provider's page. Raises `KeyError` when there is no such provider."""
        if name not in self._pages:
            self._pages[name] = reference_page(name, self.documents[name], self.mounts[name], self._titles)
        return self._pages[name]

    @property
    def index(self) -> dict[str, Any]:
        """Where things are, for programs: the operations by scheme, and where the documents lie."""
        found: dict[str, Any] = {"payseal": "sandbox"}
        for operations in self.operations.values():
            for each in operations:
                found.setdefault(each.scheme.name, []).extend(f"{each.method} {path}" for path in (each.path, *each.also))
        return found | {"openapi": {name: f"/openapi/{name}.json" for name in self.mounts}}

    @property
    def _titles(self) -> dict[str, str]:
        return {name: each["info"]["title"].removesuffix(" (sandbox)") for name, each in self.documents.items()}
