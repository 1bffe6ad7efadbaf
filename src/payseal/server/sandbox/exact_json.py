"""How a body becomes a request: exactly, and with everything that is wrong with it said at once.

Python's own reading of JSON takes a number for the nearest float, the last of two members with one name, and NaN for a number. None of
that may happen to an amount that somebody signed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from payseal.server.sandbox.provider import Failure

__all__ = ["ExactRoute", "parse"]


class _NotJSON(ValueError):
    """What Python reads and JSON does not know."""


class _Repeated(ValueError):
    """A member is there twice."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def parse(body: bytes) -> dict[str, Any]:
    """The object in a body, numbers as `Decimal`. Raises `Failure` (400)."""
    try:
        found = json.loads(
            body.decode("utf-8"), parse_int=_number, parse_float=_number, parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except _Repeated as repeated:
        # A name that is no field's may be anything, a card number too: it is not repeated.
        field = repeated.name if re.fullmatch("[A-Za-z]{1,40}", repeated.name) else None
        raise Failure(400, "A name stands twice in one object.", field=field) from None
    except RecursionError:
        raise Failure(400, "The body is nested too deeply.") from None
    except ValueError:
        raise Failure(400, "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise Failure(400, "The body should be a JSON object.")
    return found


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits: no amount, wherever it stands
        return Decimal("Infinity")


def _refuse_constant(text: str) -> NoReturn:
    raise _NotJSON


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        if name in found:
            raise _Repeated(name)
        found[name] = value
    return found


class _ExactRequest(Request):
    """A request whose document was read by `parse`."""

    document: Any = None

    async def json(self) -> Any:
        return self.document


class ExactRoute(APIRoute):
    """A route that reads its body with `parse`, and fails with every field that is wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As `APIRoute.get_route_handler`."""
        handler = super().get_route_handler()

        async def exact(request: Request) -> Response:
            read = _ExactRequest(request.scope, request.receive)
            if self.body_field is not None:
                read.document = parse(await read.body())
            try:
                return await handler(read)
            except RequestValidationError as error:
                raise _failure(error) from None

        return exact


def _failure(error: RequestValidationError) -> Failure:
    mistakes = [_mistake(each) for each in error.errors()]
    field, message = mistakes[0]
    return Failure(400, message, field=field or None, details=tuple(each for each in mistakes if each[0]))


def _mistake(error: dict[str, Any]) -> tuple[str, str]:
    """The field and the reason; never the value, which pydantic repeats where a tag is unknown."""
    place, context = [str(part) for part in error["loc"][1:]], error.get("ctx", {})
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        known = context.get("expected_tags")
        return context["discriminator"].strip("'"), f"Input should be one of {known}." if known else "Field required."
    # Inside a union the first part is the tag: which request it is, not where in it.
    if place and place[0][:1].isupper():
        del place[0]
    return ".".join(place), f"{error['msg']}."
