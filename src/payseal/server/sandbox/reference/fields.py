"""A schema as a table of fields: nested objects flattened to dotted names, each with its type, its limits and what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from payseal.server.sandbox.provider import Model
from payseal.server.sandbox.reference.examples import alternatives, resolved

__all__ = ["LONGEST_TEXT", "Field", "fields_of", "type_of"]

Schema = dict[str, Any]
_DEEPEST: Final = 12
#: What every text is limited to where its field says nothing: not repeated in each row.
LONGEST_TEXT: Final = Model.model_config["str_max_length"]


@dataclass(frozen=True, slots=True)
class Field:
    """One row. ``within`` is the kind of object in which it stands, where its place can hold several."""

    name: str
    type: str
    required: bool
    limits: tuple[str, ...]
    values: tuple[str, ...]
    description: str
    within: str = ""


#: JSON Schema's word → how it is said; ``{}`` is its value.
_LIMITS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "pattern": "matches {}",
    "format": "{}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def fields_of(schema: Schema, components: Schema) -> list[Field]:
    """The rows of an object's schema, or of each kind of object that it can be: what all kinds have alike stands there once."""
    return _of_kinds(_objects(schema, components), components, "", 0)


def _of_kinds(kinds: list[Schema], components: Schema, prefix: str, depth: int) -> list[Field]:
    merged: dict[Field, tuple[list[str], list[str]]] = {}
    for kind in kinds if depth < _DEEPEST else ():
        for row in _rows(kind, components, prefix, depth):
            values, titles = merged.setdefault(replace(row, values=()), ([], []))
            values += row.values
            titles.append(kind.get("title", ""))
    return [
        replace(row, values=tuple(dict.fromkeys(values)), within=row.within or ("" if len(titles) == len(kinds) else " or ".join(titles)))
        for row, (values, titles) in merged.items()
    ]


def _objects(schema: Schema, components: Schema) -> list[Schema]:
    """The objects that a value, or each item of it, can be."""
    found: list[Schema] = []
    for kind in alternatives(schema, components):
        if kind.get("type") == "array":
            found += _objects(kind.get("items", {}), components)
        elif kind.get("properties"):
            found.append(kind)
    return found


def _rows(schema: Schema, components: Schema, prefix: str, depth: int) -> Iterator[Field]:
    for name, member in schema.get("properties", {}).items():
        yield replace(_row(f"{prefix}{name}", member, components), required=name in schema.get("required", ()))
        repeated = "[]" if any(kind.get("type") == "array" for kind in alternatives(member, components)) else ""
        yield from _of_kinds(_objects(member, components), components, f"{prefix}{name}{repeated}.", depth + 1)


def _row(name: str, schema: Schema, components: Schema) -> Field:
    kinds = alternatives(schema, components)
    own = resolved(schema, components)
    told = [(word, kind[word]) for kind in kinds for word in _LIMITS if word in kind]
    limits = [_LIMITS[word].format(_plain(value)) for word, value in told if (word, value) != ("maxLength", LONGEST_TEXT)]
    values = [_plain(value) for kind in kinds for value in (kind["enum"] if "enum" in kind else [kind["const"]] if "const" in kind else [])]
    description = schema.get("description") or own.get("description") or next((k["description"] for k in kinds if "description" in k), "")
    return Field(name, type_of(schema, components), False, tuple(dict.fromkeys(limits)), tuple(dict.fromkeys(values)), description)


def type_of(schema: Schema, components: Schema) -> str:
    """What a value is, in a word or a few."""
    words: list[str] = []
    for kind in alternatives(schema, components):
        given = kind.get("type", "object" if "properties" in kind else "any")
        words += [
            f"array of {type_of(kind['items'], components)}" if each == "array" and "items" in kind else each
            for each in (given if isinstance(given, list) else [given])
        ]
    return " or ".join(dict.fromkeys(words))


def _plain(value: Any) -> str:
    """As JSON would write it, without quotes and without a fraction of nothing."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
