"""The call that is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from payseal.schemes import Scheme

__all__ = ["Call", "parts_used"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request to be signed by a scheme. ``overrides`` are the credential's own changes of it; ``body`` is text as it is to be sent."""

    scheme: Scheme
    method: str
    url: str
    body: str
    overrides: Mapping[str, Any] = field(default_factory=dict)


def parts_used(scheme: Scheme) -> list[str]:
    """The parts of a credential that signing takes: keyid, secret, token."""
    sent = {component.name for rule in scheme.headers for component in rule.components}
    return [part for part in ("keyid", "secret", "token") if part in sent or part == scheme.signature.key]
