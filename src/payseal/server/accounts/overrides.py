"""What one credential may have otherwise than its scheme: the unit of time and its zone, the encoding, the form of request ids.

Headers are the endpoint's and not a credential's, since they say whose a request is before anything else can be known. The window may
be narrowed and not widened: request ids are remembered for as long as the endpoint's own window.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from payseal.errors import CredentialError
from payseal.schemes import Scheme, scheme

__all__ = ["checked", "compiled"]

_ALLOWED: Final[dict[str, frozenset[str]]] = {
    "created": frozenset({"format", "timezone", "tolerance", "future"}),
    "nonce": frozenset({"format", "pattern"}),
    "signature": frozenset({"encoding", "accept"}),
}
#: Milliseconds by which a window may differ: one in whole seconds is that much longer than the same one in milliseconds.
_SLACK: Final = 1000
_KNOWN: Final = ", ".join(f"{table}.{key}" for table, keys in sorted(_ALLOWED.items()) for key in sorted(keys))


def checked(name: str, overrides: Mapping[str, Any]) -> str:
    """The overrides as JSON text, proven by loading the scheme with them. Raises `SchemeError`, `CredentialError`."""
    for table, value in overrides.items():
        if table not in _ALLOWED or not isinstance(value, Mapping) or not _ALLOWED[table].issuperset(value):
            raise CredentialError(f"a credential can override {_KNOWN} of its scheme, and nothing else")
    text = json.dumps(overrides, sort_keys=True)
    compiled(name, text)
    return text


@lru_cache(maxsize=1024)
def compiled(name: str, overrides: str = "{}", endpoint: str = "{}") -> Scheme:
    """The scheme of the catalogue as an endpoint has it, with one credential's overrides laid over it; both as JSON text.

    Raises `SchemeError`, and `CredentialError` where requests would be accepted for longer than the endpoint remembers their ids.
    """
    tables: dict[str, Any] = json.loads(endpoint)
    default = scheme(name, **tables)
    if overrides == "{}":
        return default
    for table, change in json.loads(overrides).items():
        tables[table] = {**tables.get(table, {}), **change}
    own = scheme(name, **tables)
    if own.created is not None and default.created is not None:
        mine, theirs = ((rule.last_moment(0) + rule.future) for rule in (own.created, default.created))
        if mine > theirs + _SLACK:
            raise CredentialError(
                f"these overrides accept a request for {mine / 1000:g} s, and ids are remembered for the scheme's {theirs / 1000:g} s: "
                "lower created.tolerance, or choose a finer time"
            )
    return own
