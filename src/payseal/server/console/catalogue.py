"""The catalogue: every scheme as a page made from its data, with an example that anyone can compute again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from payseal.request import Request
from payseal.schemes import Scheme, catalogue_names, scheme
from payseal.schemes.template import Component
from payseal.server.base_parts import Parts, parts_of
from payseal.server.console.bases import Base, pieces_of
from payseal.server.console.door import Page
from payseal.server.console.visit import Missing, Visit
from payseal.server.described import EXAMPLE_CREATED, EXAMPLE_KEYS, EXAMPLE_NONCE, Header, Worked, headers_of, statements, worked

__all__ = ["PAGES"]

_BODY: Final = json.dumps({"amount": 1204, "currency": "KES", "reference": "example-0001"}, separators=(",", ":")).encode()
_METHOD, _TARGET = "POST", "/an/example"


@dataclass(frozen=True, slots=True)
class _Described:
    """A scheme's page."""

    rules: Scheme
    statements: list[str]
    #: The components in their order: (name, what it is).
    order: list[tuple[str, str]]
    headers: list[Header]
    example: Worked
    base: Base
    body: str
    source: str


#: What each component of a base is.
_MEANING: Final = {
    "keyid": "the key's id",
    "nonce": "the request id, used once",
    "created": "the time of signing",
    "body": "the body's bytes as they are sent",
    "token": "the access token",
    "method": "the method, in capitals",
    "target": "the target of the request line: path and query",
    "path": "the path",
    "query": "the query, without its question mark",
    "host": "the host",
    "header": "the value of a header",
}


def _list(visit: Visit) -> Response:
    return visit.page("catalogue.html", schemes=[scheme(name) for name in catalogue_names()])


def _one(visit: Visit) -> Response:
    name = visit.parameters["name"]
    if name not in catalogue_names():
        raise Missing("the catalogue has no such scheme")
    return visit.page("scheme.html", described=_described(scheme(name)))


def _described(rules: Scheme) -> _Described:
    example = worked(rules, _METHOD, _TARGET, _BODY)
    order = []
    for part in rules.signature.base.parts:
        if isinstance(part, Component):
            what = f"the {part.digest} of the body, as {part.encoding}" if part.digest else _MEANING[part.name]
            order.append((part.name, f"{what}: {part.header}" if part.header else what))
        else:
            order.append(("", f"the text {json.dumps(part)}"))
    return _Described(
        rules=rules,
        statements=statements(rules),
        order=order,
        headers=headers_of(rules),
        example=example,
        base=pieces_of(_example_parts(rules)),
        body=_BODY.decode(),
        source=json.dumps(rules.source, indent=2, default=str),
    )


def _example_parts(rules: Scheme) -> Parts:
    values = {**EXAMPLE_KEYS, "nonce": EXAMPLE_NONCE}
    if rules.created is not None:
        values["created"] = rules.created.write(EXAMPLE_CREATED)
    return parts_of(rules, Request(_METHOD, _TARGET, body=_BODY), values, _BODY)


PAGES = [
    Page("/console/catalogue", "user", get=_list),
    Page("/console/catalogue/{name}", "user", get=_one),
]
