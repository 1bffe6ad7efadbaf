"""A signature base in its parts, each with the component that it comes from: for whoever shows one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from payseal.errors import Rejected
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.base import request_text
from payseal.schemes.template import SENT_COMPONENTS, Component

__all__ = ["Parts", "parts_of"]

#: (component, bytes); the component is empty for the template's own text.
Parts: TypeAlias = tuple[tuple[str, bytes], ...]


def parts_of(scheme: Scheme, request: Request, values: Mapping[str, str], body: bytes) -> Parts:
    """The parts in their order. ``values`` are the texts of keyid, nonce, created and token; ``body`` is what is shown of the body. Empty
    where something that is covered is not there."""
    parts: list[tuple[str, bytes]] = []
    for part in scheme.signature.base.parts:
        if not isinstance(part, Component):
            parts.append(("", part.encode("utf-8", "replace")))
        elif part.name == "body" and not part.digest:
            parts.append(("body", body))
        else:
            text = values.get(part.name) if part.name in SENT_COMPONENTS else _text(part, request)
            if text is None:
                return ()
            parts.append((part.name, text.encode("utf-8", "replace")))
    return tuple(parts)


def _text(part: Component, request: Request) -> str | None:
    try:
        return request_text(part, request, lambda name: (request.values(name) or [""])[0])
    except Rejected:
        return None
