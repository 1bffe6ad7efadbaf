"""The pages for people: a provider's document as a page, and the start page that leads to them. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from payseal.schemes import Scheme
from payseal.server.described import Header, Worked, headers_of, statements, worked
from payseal.server.sandbox.openapi import ALSO, METHODS, compact, mount_of
from payseal.server.sandbox.provider import Mount
from payseal.server.sandbox.reference.examples import example_of
from payseal.server.sandbox.reference.fields import LONGEST_TEXT, Field, fields_of, type_of

__all__ = ["HEADERS", "Operation", "operations_of", "reference_page", "start_page"]

#: What every page is sent with.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def _prose(text: str) -> Markup:
    """Text in which names stand in backticks, one or two: they become ``<code>``; all of it is escaped."""
    pieces = text.replace("``", "`").split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


_PAGES: Final = Environment(
    loader=PackageLoader("payseal.server.sandbox.reference"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters |= {"prose": _prose, "pretty": _pretty}


@dataclass(frozen=True, slots=True)
class Example:
    """A JSON value to show."""

    title: str
    value: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """How an operation answers, with one status."""

    status: str
    description: str
    fields: list[Field]
    examples: list[Example]

    @property
    def good(self) -> bool:
        """Whether it says that the work was done."""
        return self.status.startswith("2")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``also`` are other paths that answer in the same way."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    scheme: Scheme
    worked: Worked
    headers: list[Header]
    parameters: list[Field]
    fields: list[Field]
    examples: list[Example]
    answers: list[Answer]
    also: list[str]

    @property
    def bodies(self) -> bool:
        """Whether it takes a body."""
        return bool(self.fields or self.examples)


@dataclass(frozen=True, slots=True)
class Signing:
    """How requests of one scheme are signed: in words, and the first operation's example."""

    scheme: Scheme
    statements: list[str]
    example: Operation


def operations_of(document: dict[str, Any], mounts: list[Mount]) -> list[Operation]:
    """The operations of a document in its order, those that answer at several paths once."""
    found: list[Operation] = []
    shown: set[tuple[str, str]] = set()
    for path, item in document["paths"].items():
        mount = mount_of(path, mounts)
        for method in METHODS:
            if method in item and mount is not None and (method, path) not in shown:
                found.append(_operation(document, mount, method, path, item[method]))
                shown.update((method, other) for other in item[method][ALSO])
    return found


def _operation(document: dict[str, Any], mount: Mount, method: str, path: str, said: dict[str, Any]) -> Operation:
    components, scheme = document["components"]["schemas"], mount.verifier.scheme
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [Example(name, each["value"]) for name, each in content.get("examples", {}).items()]
    if "example" in content:
        examples = [Example("example", content["example"])]
    first = compact(examples[0].value) if examples else b""
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        description=said.get("description", ""),
        scheme=scheme,
        worked=worked(scheme, method.upper(), path, first),
        headers=headers_of(scheme, may_be_unsigned=mount.unsigned is not None),
        parameters=[_parameter(each, components) for each in said.get("parameters", ()) if each["in"] != "header"],
        fields=fields_of(content["schema"], components) if "schema" in content else [],
        examples=examples,
        answers=[_answer(status, each, components) for status, each in said["responses"].items()],
        also=said[ALSO],
    )


def _parameter(said: dict[str, Any], components: dict[str, Any]) -> Field:
    whole = {"properties": {said["name"]: said["schema"]}, "required": [said["name"]] if said.get("required") else []}
    (row,) = (each for each in fields_of(whole, components) if each.name == said["name"])
    place = {"path": "In the path.", "query": "In the query."}.get(said["in"], "")
    return Field(
        row.name, type_of(said["schema"], components), row.required, row.limits, row.values,
        f"{place} {said.get('description') or row.description}".strip(),
    )  # fmt: skip


def _answer(status: str, said: dict[str, Any], components: dict[str, Any]) -> Answer:
    content = said.get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    fields = fields_of(schema, components) if schema else []
    examples = [Example(each.get("summary", name), each["value"]) for name, each in content.get("examples", {}).items()]
    if "example" in content:
        examples = [Example("", content["example"])]
    if not examples and fields:
        examples = [Example("", example_of(schema, components, every=True))]
    return Answer(status, said.get("description", ""), fields, examples)


def _signings(operations: list[Operation]) -> Iterator[Signing]:
    seen: set[str] = set()
    for operation in sorted(operations, key=lambda each: not each.bodies):  # those with a body show more
        if operation.scheme.name not in seen:
            seen.add(operation.scheme.name)
            yield Signing(operation.scheme, statements(operation.scheme), operation)


def reference_page(name: str, document: dict[str, Any], mounts: list[Mount], others: dict[str, str]) -> str:
    """A provider's page. ``others`` are the providers' names and titles, its own among them."""
    operations = operations_of(document, mounts)
    return _PAGES.get_template("reference.html").render(
        name=name,
        info=document["info"],
        operations=operations,
        signings=list(_signings(operations)),
        providers=others,
        unsigned=any(mount.unsigned is not None for mount in mounts),
        longest_text=LONGEST_TEXT,
        about=[" ".join(paragraph.split()) for paragraph in mounts[0].app.description.split("\n\n") if paragraph.strip()],
    )


def start_page(operations: dict[str, list[Operation]], providers: dict[str, str]) -> str:
    """The page at ``/``: the operations, and the titles, by provider."""
    return _PAGES.get_template("start.html").render(operations=operations, providers=providers)
