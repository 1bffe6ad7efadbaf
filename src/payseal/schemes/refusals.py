"""How a scheme's provider words a refusal: its own error body, as data, where it does not answer RFC 9457 problem details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from payseal.errors import Rejected

__all__ = ["PLACEHOLDERS", "Refusal"]

#: What a refusal's strings may name. ``{status}`` is a number, ``{status-text}`` the same as a text. ``{type}`` is the provider's word for
#: the status, from ``[refusal.types]``; ``{trace}`` an id that the server makes for this answer; ``{request-id}`` the request's nonce as it
#: was presented, or nothing.
PLACEHOLDERS: Final = ("code", "status", "status-text", "title", "detail", "type", "trace", "request-id")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's error body. ``body`` is what becomes JSON, with ``{placeholders}`` as whole strings."""

    body: dict[str, Any]
    types: dict[str, str]  # status → the provider's word for it; "default" for the others
    details: dict[str, str]  # code → the provider's own sentence, in place of ours

    def render(self, rejected: Rejected, *, trace: str, request_id: str) -> bytes:
        """The body for one refusal, as UTF-8 JSON."""
        import json  # here, because only a refusal needs it

        status = str(rejected.status)
        values = {
            "{code}": rejected.code,
            "{status}": rejected.status,
            "{status-text}": status,
            "{title}": rejected.title,
            "{detail}": self.details.get(rejected.code) or rejected.detail or rejected.title,
            "{type}": self.types.get(status, self.types.get("default", "")),
            "{trace}": trace,
            "{request-id}": request_id,
        }
        return json.dumps(_filled(self.body, values), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _filled(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    return values.get(value, value) if isinstance(value, str) else value
