"""A provider's OpenAPI 3.1 document: the application's paths and models, and around them what the guard in front of it asks and answers.

FastAPI knows the handlers. What it does not know is made here from the scheme: the headers that sign a request, what is signed, and the
answers to requests that are refused before a handler sees them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Match

from payseal import __version__
from payseal.schemes import Scheme
from payseal.server.described import Worked, headers_of, statements, worked
from payseal.server.sandbox.provider import Mount
from payseal.server.sandbox.reference.errors import Example, application_errors, common_schema, fits, refusals
from payseal.server.sandbox.reference.examples import examples_of

__all__ = ["ALSO", "METHODS", "by_provider", "compact", "document", "mount_of"]

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
#: What FastAPI says of invalid requests and this sandbox does not: it answers 400, in the provider's shape.
_NOT_OURS: Final = ("HTTPValidationError", "ValidationError")
_JSON: Final = "application/json"
#: Where an operation says which other paths are the same one.
ALSO: Final = "x-payseal-also-at"


def by_provider(mounts: Sequence[Mount]) -> dict[str, list[Mount]]:
    """The mounts of each provider, in their order."""
    found: dict[str, list[Mount]] = {}
    for mount in mounts:
        found.setdefault(mount.provider, []).append(mount)
    return found


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """Where a path is answered: the first that fits, as the sandbox looks for it."""
    return next((mount for mount in mounts if path == mount.path or path.startswith(f"{mount.path}/")), None)


def document(mounts: Sequence[Mount]) -> dict[str, Any]:
    """The document of the provider that these mounts are; one application is behind all of them."""
    app = mounts[0].app
    found = copy.deepcopy(app.openapi())
    components: dict[str, Any] = found.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for name in _NOT_OURS:
        schemas.pop(name, None)
    errors = [example for mount in mounts for example in refusals(mount)]
    errors += application_errors(app, mounts[0].verifier.scheme)
    schemas["Refused"] = {
        "title": "Refused",
        "description": "What a request is answered that was refused or failed.",
        **common_schema([body for _, _, _, body in errors]),
    }
    paths: dict[str, Any] = {}
    for path, item in found.get("paths", {}).items():
        mount = mount_of(path, mounts)
        if mount is not None:
            paths[path] = item
            for method, operation in item.items():
                if method in METHODS:
                    _complete(operation, method, path, mount, schemas)
                    operation[ALSO] = _other_paths(app, method, path, mounts)
    schemes = _schemes(mounts)
    components["securitySchemes"] = dict(_security_schemes(schemes))
    return {
        **found,
        "openapi": "3.1.0",
        "info": {
            "title": app.title,
            "version": __version__,
            "summary": "A sandbox of this payment system: it verifies, answers and fails as the real one does.",
            "description": _description(mounts, schemes),
        },
        "servers": [{"url": "/", "description": "This sandbox."}],
        "paths": paths,
        "components": components,
    }


def _complete(operation: dict[str, Any], method: str, path: str, mount: Mount, schemas: dict[str, Any]) -> None:
    """What the guard asks and answers, put into an operation that FastAPI described."""
    scheme = mount.verifier.scheme
    operation["x-payseal-scheme"] = scheme.name
    examples = _request_examples(operation, schemas)
    first = next(iter(examples.values()), None)
    example = worked(scheme, method.upper(), path, b"" if first is None else compact(first))
    operation.setdefault("parameters", []).extend(_parameters(scheme, mount, example))
    named = any(header.name == "Authorization" for header in headers_of(scheme))
    operation["security"] = [{_security_name(scheme): []}] if named else []
    responses: dict[str, Any] = operation["responses"]
    if _describes_validation(responses.get("422", {})):
        del responses["422"]
    by_status: dict[int, list[Example]] = {}
    own = application_errors(mount.app, scheme)
    for each in (*refusals(mount), *(each for each in own if _can_answer(each, operation))):
        by_status.setdefault(each[0], []).append(each)
    for status, given in by_status.items():
        _answer(responses, status, given, schemas)
    _authenticate_header(responses["401"], scheme)
    operation["responses"] = dict(sorted(responses.items()))


def _other_paths(app: FastAPI, method: str, path: str, mounts: Sequence[Mount]) -> list[str]:
    """The same path under the application's other prefixes, where it answers there and one verifier asks for both."""
    own = mount_of(path, mounts)
    assert own is not None
    rest = path.removeprefix(own.path)
    others = [f"{mount.path}{rest}" for mount in mounts if mount is not own and mount.verifier is own.verifier]
    return [other for other in others if _handles(app, method, other)]


def _handles(app: FastAPI, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method.upper(), "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def compact(value: Any) -> bytes:
    """An example as the bytes of which the example's signature is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _request_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The bodies to show, which are put into the operation where it has none of its own."""
    content = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if content is None:
        return {}
    if "example" in content:
        return {"example": content["example"]}
    if "examples" not in content:
        content["examples"] = {name: {"value": value} for name, value in examples_of(content["schema"], dict(schemas)).items()}
    return {name: example["value"] for name, example in content["examples"].items() if "value" in example}


def _parameters(scheme: Scheme, mount: Mount, example: Worked) -> Iterator[dict[str, Any]]:
    for header in headers_of(scheme, may_be_unsigned=mount.unsigned is not None):
        if header.name == "Authorization":
            continue  # OpenAPI has it as a security scheme, and ignores a parameter of that name
        yield {
            "name": header.name,
            "in": "header",
            "required": header.required,
            "description": header.meaning,
            "schema": header.schema,
            "example": example.headers[header.name],
        }


def _can_answer(example: Example, operation: Mapping[str, Any]) -> bool:
    """Whether an operation can answer so: bodies are for operations that have one."""
    status, name, *_ = example
    return not name.endswith("-unproven") and (status == 500 or "requestBody" in operation)


def _answer(responses: dict[str, Any], status: int, given: list[Example], schemas: dict[str, Any]) -> None:
    """What the application says of a status stands; what the guard may answer with it is added."""
    refused = {"$ref": "#/components/schemas/Refused"}
    said = responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    content = said.setdefault("content", {}).setdefault(_JSON, {})
    usual = responses.get("default", {}).get("content", {}).get(_JSON, {}).get("schema", refused)
    schema = content.setdefault("schema", usual)
    if not all(fits(body, schema, schemas) for _, _, _, body in given):
        content["schema"] = {"anyOf": [schema, refused]}
    if "example" not in content:
        examples = content.setdefault("examples", {})
        for _, name, title, body in given:
            examples.setdefault(name, {"summary": title, "value": body})


def _authenticate_header(response: dict[str, Any], scheme: Scheme) -> None:
    response.setdefault("headers", {})["WWW-Authenticate"] = {
        "description": "How to do better: the scheme by which requests are signed.",
        "schema": {"type": "string"},
        "example": f'HMAC realm="{scheme.name}"',
    }


def _describes_validation(response: Mapping[str, Any]) -> bool:
    named: str = response.get("content", {}).get(_JSON, {}).get("schema", {}).get("$ref", "")
    return named.endswith("/HTTPValidationError")


def _schemes(mounts: Sequence[Mount]) -> list[tuple[Scheme, list[str]]]:
    """Each scheme once, with the paths under which it is asked for."""
    found: dict[str, tuple[Scheme, list[str]]] = {}
    for mount in mounts:
        found.setdefault(mount.verifier.scheme.name, (mount.verifier.scheme, []))[1].append(mount.path)
    return list(found.values())


def _security_name(scheme: Scheme) -> str:
    return f"{scheme.name}-authorization"


def _security_schemes(schemes: list[tuple[Scheme, list[str]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for scheme, _ in schemes:
        for header in headers_of(scheme):
            if header.name == "Authorization":
                rule = next(rule for rule in scheme.headers if rule.name == header.name)
                bearer = rule.parts[0] == "Bearer "
                kind = {"type": "http", "scheme": "bearer"} if bearer else {"type": "apiKey", "in": "header", "name": header.name}
                yield _security_name(scheme), {**kind, "description": header.meaning}


def _description(mounts: Sequence[Mount], schemes: list[tuple[Scheme, list[str]]]) -> str:
    """Markdown, as OpenAPI has it."""
    own = mounts[0].app.description.strip()
    parts = [own] if own else []
    parts.append("Example signatures belong to the first example body, written without spaces between its parts.")
    for scheme, paths in schemes:
        under = ", ".join(f"`{path}`" for path in paths)
        parts.append(f"## {scheme.title}\n\nUnder {under}: scheme `{scheme.name}`.")
        parts.append("\n".join(f"- {statement}" for statement in statements(scheme)))
    if any(mount.unsigned is not None for mount in mounts):
        parts.append("Where the access token is enough, the signature may be left out; one that is there is checked.")
    return "\n\n".join(parts)
