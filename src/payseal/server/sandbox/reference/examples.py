"""Examples of a provider's JSON objects, made from their schemas: what a model says itself first, then what its fields are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

__all__ = ["alternatives", "example_of", "examples_of", "resolved"]

Schema = dict[str, Any]

#: What a field of that name looks like. The card is the usual test number, which belongs to nobody.
FIELDS: Final[dict[str, Any]] = {
    "accessTokenTimeToLive": 1800,
    "accountNumber": "0011223344",
    "amount": 1000,
    "bankCode": "GH010100",
    "brand": "MASTERCARD",
    "cardFunction": "CREDIT",
    "country": "Ghana",
    "currency": "USD",
    "expirationMonth": "12",
    "expirationYear": "2035",
    "last4": "4444",
    "merchantId": "100000000000001",
    "month": "12",
    "number": "5555555555554444",
    "orderId": "order-1001",
    "scheme": "MASTERCARD",
    "securityCode": "123",
    "terminalId": "10000001",
    "total": 12.04,
    "year": "35",
}
_DEEPEST: Final = 12


def resolved(schema: Schema, components: Schema) -> Schema:
    """The schema that a reference names, or the schema itself."""
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def alternatives(schema: Schema, components: Schema) -> list[Schema]:
    """What a value can be, references followed; ``null`` is left out where there is anything else."""
    schema = resolved(schema, components)
    given = schema.get("anyOf") or schema.get("oneOf")
    if not given:
        return [schema]
    found = [each for one in given for each in alternatives(one, components)]
    return [each for each in found if each.get("type") != "null"] or found


def examples_of(schema: Schema, components: Schema) -> dict[str, Any]:
    """An example for each kind of request that a schema describes, by a name for it."""
    whole = resolved(schema, components)
    kinds = alternatives(whole, components)
    if whole.get("examples") or len(kinds) == 1:
        given = whole.get("examples") or kinds[0].get("examples") or [example_of(whole, components)]
        return {"example" if number == 1 else f"example-{number}": each for number, each in enumerate(given, 1)}
    return {kind.get("title", f"kind-{number}"): example_of(kind, components) for number, kind in enumerate(kinds, 1)}


def example_of(schema: Schema, components: Schema, *, every: bool = False, name: str = "", depth: int = 0) -> Any:
    """One value that fits. Of optional fields those are in it whose names say something, or ``every`` one."""
    given = schema.get("examples") or resolved(schema, components).get("examples")
    if given:
        return given[0]
    kind = alternatives(schema, components)[0]
    if kind.get("examples"):
        return kind["examples"][0]
    if "const" in kind:
        return kind["const"]
    if "enum" in kind:
        return FIELDS[name] if FIELDS.get(name) in kind["enum"] else kind["enum"][0]
    if depth > _DEEPEST:
        return None
    if kind.get("type") == "object":
        return dict(_members(kind, components, every, depth))
    if kind.get("type") == "array":
        return [example_of(kind.get("items", {}), components, every=every, name=name, depth=depth + 1)]
    return _plain(kind, name)


def _members(schema: Schema, components: Schema, every: bool, depth: int) -> Iterator[tuple[str, Any]]:
    for name, member in schema.get("properties", {}).items():
        if every or name in FIELDS or name in schema.get("required", ()):
            yield name, example_of(member, components, every=every, name=name, depth=depth + 1)


def _plain(schema: Schema, name: str) -> Any:
    """A string, number, truth value or nothing."""
    kind = schema.get("type")
    known = FIELDS.get(name)
    if kind == "integer":
        return known if isinstance(known, int) else max(1, int(schema.get("minimum", 1)))
    if kind == "number":
        return known if isinstance(known, int | float) else 1
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if kind != "string":
        return {}
    if isinstance(known, str):
        return known
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    if schema.get("format") in ("uri", "url"):
        return "http://127.0.0.1:9000/hook"
    text = "text" if not name else f"example-{name}"
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text))]
