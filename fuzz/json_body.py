"""Any bytes as a JSON body give a document, or a `Failure` that repeats no number of a card; a document is exactly what the bytes say.

- What is read, Python's own reader reads too; every number is the one that stands there, to the last digit, and no name is there twice.
- A document is a provider's request, or a `Failure` (400) that names what is wrong. What a request says of itself (its amount in the
  smallest unit, what is kept of its card, where money goes) can be asked of every one that is taken.

An input: a letter (which request it is) and the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from fuzz.targets import broken
from pydantic import BaseModel, TypeAdapter, ValidationError

from payseal.server.sandbox.commercehub import models as commercehub
from payseal.server.sandbox.exact_json import _failure, parse
from payseal.server.sandbox.fiserv import models as fiserv
from payseal.server.sandbox.provider import Failure
from payseal.server.sandbox.reference.examples import examples_of
from payseal.server.sandbox.startbutton.models import Transfer

_REQUESTS: Final[tuple[Any, ...]] = (
    fiserv.PrimaryRequest,
    fiserv.SecondaryRequest,
    fiserv.CardVerificationRequest,
    Transfer,
    commercehub.ChargeRequest,
    commercehub.CancelRequest,
    commercehub.RefundRequest,
    commercehub.InquiryRequest,
    commercehub.CredentialsRequest,
    commercehub.CaptureRequest,
)
_ADAPTERS: Final[tuple[TypeAdapter[Any], ...]] = tuple(TypeAdapter(each) for each in _REQUESTS)
#: As long as a card's number at least.
_CARD: Final = re.compile(r"[0-9]{12,}")
#: What the routes ask of a request.
_ASKED: Final = ("minor", "kind", "channel", "institution", "ending", "recipient_name")


def seeds() -> list[bytes]:
    """The examples of the reference, by every model; what lies deep in itself; a number that is none."""
    made = [b"a" + b"[" * 3000, b"a" + b'{"a":' * 600, b'a{"total":1e99999999999999999999}']
    for number, adapter in enumerate(_ADAPTERS):
        schema = adapter.json_schema()
        examples = examples_of(schema, schema.get("$defs", {})).values()
        made += [bytes([97 + number]) + json.dumps(each).encode() for each in examples]
    return made


def one(data: bytes) -> str:
    """Read it, and take it for a request."""
    body = data[1:]
    try:
        document = parse(body)
    except Failure as failure:
        return _told(failure, "no document")
    broken(_pairs(document) != _pairs(_as_python_has_it(body)), "a document is not what stands there")
    try:
        request = _ADAPTERS[(data[0] - 97) % len(_ADAPTERS)].validate_python(document, from_attributes=True)
    except ValidationError as error:
        # As FastAPI hands mistakes on.
        mistakes = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        return _told(_failure(RequestValidationError(mistakes)), "no request")
    for part in _parts(request):
        for name in _ASKED:
            getattr(part, name, None)
        if isinstance(part, fiserv.PaymentCard):
            broken(_CARD.search(repr(part.kept())), "the number of a card is kept")
    broken(_CARD.search(repr(request)) and isinstance(request, fiserv.CardVerificationRequest), "the number of a card is shown")
    return "a request"


def _told(failure: Failure, what: str) -> str:
    told = [failure.message, failure.field or "", *(text for detail in failure.details for text in detail)]
    broken(failure.status != 400 or not failure.message, "a failure without its status or a sentence")
    broken(any(_CARD.search(text) for text in told), "a failure repeats what may be the number of a card")
    return what


def _as_python_has_it(body: bytes) -> Any:
    return json.loads(body, parse_int=_Number, parse_float=_Number, object_pairs_hook=_Members)


class _Number(str):
    """A number as it stands in the text."""


class _Members(list[tuple[str, Any]]):
    """An object with every member that is written."""


def _pairs(value: Any) -> Any:
    """A document in a form in which both readings can be compared."""
    if isinstance(value, dict | _Members):
        members = list(value.items()) if isinstance(value, dict) else list(value)
        return {"members": sorted((name, repr(_pairs(each))) for name, each in members)}
    if isinstance(value, list):
        return [_pairs(each) for each in value]
    if isinstance(value, Decimal | _Number):
        return _exactly(value)
    return value


def _exactly(number: Decimal | _Number) -> str:
    """Its digits and its exponent; one word for all that is beyond a `Decimal`."""
    try:
        return str(Decimal(number))
    except ArithmeticError:
        return "Infinity"


def _parts(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
