"""What refused and failed requests are answered with: examples in the provider's own shape, and the schema that they have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI, Request

from payseal.errors import REJECTIONS, Rejected
from payseal.middleware.problem import Refused, provider_refusal
from payseal.schemes import Scheme
from payseal.server.described import EXAMPLE_NONCE
from payseal.server.sandbox.provider import Failure, Mount, Shape, failed
from payseal.server.sandbox.reference.examples import resolved
from payseal.verification import Authenticated

__all__ = ["Example", "application_errors", "common_schema", "fits", "refusals"]

#: status, name, what it is about, body
Example = tuple[int, str, str, Any]

_TRACE: Final = "3c0f5a52-9d57-4c1e-9a0b-6e1f7d2c8b4a"
_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", dict: "object", list: "array"}


def refusals(mount: Mount) -> Iterator[Example]:
    """How the guard in front of the application answers, for each of its reasons."""
    for code, (status, title) in REJECTIONS.items():
        if code == "replayed" and mount.idempotent:
            continue  # the first answer is given again
        refused = Refused(Rejected(code), mount.verifier.scheme, _TRACE, EXAMPLE_NONCE)
        yield status, code, title, json.loads(provider_refusal(refused).body)


def application_errors(app: FastAPI, scheme: Scheme) -> Iterator[Example]:
    """How the application answers what no operation has to say for itself."""
    shape: Shape = app.state.shape
    for proven in (True, False):
        request = _request(scheme, proven=proven)
        name = "" if proven else "-unproven"
        yield 400, f"invalid{name}", "A field is wrong", shape(Failure(400, "Field required.", field="name"), request)
        yield 400, f"malformed{name}", "The body is not JSON", shape(Failure(400, "The body is not valid JSON."), request)
        yield 415, f"media-type{name}", "The body is not sent as JSON", shape(Failure(415, "The body must be JSON."), request)
        yield 500, f"failed{name}", "Something failed on this side, on purpose or not", failed(app)(request)


def _request(scheme: Scheme, *, proven: bool) -> Request:
    """A request as the shapes see it."""
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    if proven:
        nonce = EXAMPLE_NONCE if scheme.nonce is not None else None
        scope["payseal"] = Authenticated(scheme.name, None, "example", nonce, None, EXAMPLE_NONCE, None, 0)
    return Request(scope)


def common_schema(values: list[Any]) -> dict[str, Any]:
    """The schema that all the values fit: their types, and of objects the fields, required where every one has them."""
    kinds = sorted({_TYPES[type(value)] for value in values})
    schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        names = list(dict.fromkeys(name for value in objects for name in value))
        schema["properties"] = {name: common_schema([value[name] for value in objects if name in value]) for name in names}
        schema["required"] = [name for name in names if all(name in value for value in objects)]
    items = [item for value in values if isinstance(value, list) for item in value]
    if items:
        schema["items"] = common_schema(items)
    return schema


def fits(value: Any, schema: dict[str, Any], components: dict[str, Any]) -> bool:
    """Whether a value has the types, fields and fixed values that a schema asks for; lengths and patterns are left aside."""
    schema = resolved(schema, components)
    others = schema.get("anyOf") or schema.get("oneOf")
    if others:
        return any(fits(value, other, components) for other in others)
    if "const" in schema or "enum" in schema:
        return value in (schema["enum"] if "enum" in schema else [schema["const"]])
    kinds = schema.get("type", [])
    kind = _TYPES[type(value)]
    if kinds and not {kind, "number" if kind == "integer" else kind} & set(kinds if isinstance(kinds, list) else [kinds]):
        return False
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            fits(value[name], member, components) for name, member in members.items() if name in value
        )
    return not isinstance(value, list) or all(fits(item, schema.get("items", {}), components) for item in value)
