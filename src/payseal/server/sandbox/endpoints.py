"""What the console lets people try: the calls of the collections that a key of their account can sign."""

from __future__ import annotations

import json
from typing import Any, Final

from payseal.server.console import Endpoint
from payseal.server.sandbox.collections.calls import CALLS, Call

__all__ = ["endpoints"]

#: Signed with a session's access token, which no account has.
_NOT_HERE: Final = "commercehub-digest"


def endpoints() -> tuple[Endpoint, ...]:
    """One for each call, in the collections' order. What an earlier answer would fill in stands in double braces, to be put there."""
    return tuple(_endpoint(call, call.scheme) for call in CALLS if call.scheme is not None and call.scheme != _NOT_HERE)


def _endpoint(call: Call, scheme: str) -> Endpoint:
    document: dict[str, Any] = {} if call.document is None else dict(call.document)
    made = {f"{{{{{name}}}}}" for name in call.makes}
    kept = {name: value for name, value in document.items() if not (isinstance(value, str) and value in made)}  # the provider makes one
    body = "" if call.document is None else json.dumps(kept, indent=2)
    return Endpoint(scheme, f"{call.provider}: {call.name}", call.method, call.path, body)
