"""Try it: edit a request and see its signature base and headers change, send it, take it away as code.

It signs with a key that is kept here, so that it is only there where `Services.endpoints` are: in a sandbox. The secret never leaves the
server, and an access token is never shown.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import uuid
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from payseal.credentials import Credential
from payseal.errors import PaysealError
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.server.accounts.overrides import compiled
from payseal.server.base_parts import parts_of
from payseal.server.console.bases import Base, pieces_of
from payseal.server.console.door import Page
from payseal.server.console.services import Endpoint
from payseal.server.console.visit import Missing, Visit
from payseal.server.snippets import Call, curl, node, php, python
from payseal.signing import Signer

__all__ = ["PAGES"]

_LONGEST: Final = 100_000  # characters of a body
_TIMEOUT: Final = 40  # seconds
_SHOWN: Final = 20_000  # characters of an answer
#: What is sent from here is answered by this very server: threads must be left for it to do so.
_SENDING: Final = threading.BoundedSemaphore(8)
#: Of RFC 3986 (pchar, slash, question mark): what stands for itself in a path and its query. Clients rewrite anything else on the way.
_TARGET: Final = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request as it stands in the form, with the key that signs it."""

    endpoint: Endpoint
    keyid: str
    scheme: Scheme
    overrides: dict[str, Any]
    credential: Credential
    path: str
    body: str
    nonce: str | None
    created: float


@dataclass(frozen=True, slots=True)
class _Preview:
    """What is shown beside the form."""

    base: Base
    headers: list[tuple[str, str]]
    snippets: list[tuple[str, str]]


def _form(visit: Visit) -> Response:
    endpoints = _endpoints(visit)
    number = _number(visit.query.get("endpoint", "0"), len(endpoints))
    endpoint = endpoints[number]
    keys = _keys(visit, endpoint)
    form = {
        "endpoint": str(number),
        "keyid": visit.query.get("keyid") or (keys[0] if keys else ""),
        "path": endpoint.path,
        "body": endpoint.body,
        "nonce": str(uuid.uuid4()),
        "created": "",
    }
    preview, problem = _previewed(visit, form)
    return visit.page(
        "try.html", endpoints=endpoints, number=number, endpoint=endpoint, keys=keys, form=form, preview=preview, problem=problem
    )


def _preview(visit: Visit) -> Response:
    preview, problem = _previewed(visit, dict(visit.form))
    return visit.page("try-preview.html", preview=preview, problem=problem)


def _previewed(visit: Visit, form: dict[str, str]) -> tuple[_Preview | None, str]:
    try:
        draft = _draft(visit, form)
        signer = Signer(draft.scheme, draft.credential)
        request = Request(draft.endpoint.method, draft.path, body=draft.body.encode())
        headers = signer.sign(request, created=draft.created, nonce=draft.nonce)
    except Missing:
        raise
    except PaysealError as error:
        return None, f"{error}"
    values = {"keyid": draft.keyid, "nonce": draft.nonce or "", "token": "<hidden>"}
    if draft.scheme.created is not None:
        values["created"] = draft.scheme.created.write(draft.created)
    base = pieces_of(parts_of(draft.scheme, request, values, draft.body.encode()))
    call = Call(draft.scheme, draft.endpoint.method, f"{visit.services.address}{draft.path}", draft.body, draft.overrides)
    snippets = [("curl", curl(call, headers)), ("Python", python(call)), ("JavaScript", node(call)), ("PHP", php(call))]
    carriers = {
        rule.name: "".join(part if isinstance(part, str) else "<hidden>" for part in rule.parts)
        for rule in draft.scheme.headers
        if any(part.name == "token" for part in rule.components)
    }
    shown = [(name, carriers.get(name, value)) for name, value in headers.items()]
    return _Preview(base, shown, snippets), ""


def _send(visit: Visit) -> Response:
    try:
        draft = _draft(visit, dict(visit.form))
        body = draft.body.encode()
        request = Request(draft.endpoint.method, draft.path, body=body)
        headers = Signer(draft.scheme, draft.credential).sign(request, created=draft.created, nonce=draft.nonce)
    except Missing:
        raise
    except PaysealError as error:
        return _unanswered(visit, f"{error}")
    if not _SENDING.acquire(blocking=False):
        return _unanswered(visit, "Others are sending at the moment: try again.")
    address = urlsplit(visit.services.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
    try:
        connection.request(draft.endpoint.method, draft.path, body or None, {**headers, "Content-Type": "application/json"})
        response = connection.getresponse()
        status, text = response.status, response.read().decode("utf-8", "replace")
        again = response.headers.get("Idempotent-Replayed") == "true"
    except (OSError, http.client.HTTPException) as error:
        return _unanswered(visit, f"No answer: the connection ended ({type(error).__name__}).")
    finally:
        connection.close()
        _SENDING.release()
    try:
        answer: Any = json.loads(text)
        text = json.dumps(answer, indent=2, ensure_ascii=False)
    except ValueError:
        answer = None
    told = answer.get("payseal", {}) if isinstance(answer, dict) else {}
    return visit.page(
        "try-answer.html",
        got=status,
        text=text[:_SHOWN],
        why=told.get("cause"),
        link=urlsplit(told["explanation"]).path if "explanation" in told else None,
        again=again,
        used=draft.nonce,
        nonce=uuid.uuid4(),
    )


def _unanswered(visit: Visit, problem: str) -> Response:
    """What was wrong, in place of an answer; the request keeps its id."""
    return visit.page("try-answer.html", got=None, text=problem, nonce=visit.form.get("nonce", ""))


def _draft(visit: Visit, form: dict[str, str]) -> _Draft:
    """The form, checked. Raises `PaysealError`, which says what to mend."""
    endpoints = _endpoints(visit)
    endpoint = endpoints[_number(form.get("endpoint", ""), len(endpoints))]
    keyid, path, body = form.get("keyid", ""), form.get("path", ""), form.get("body", "").replace("\r\n", "\n")
    if keyid not in _keys(visit, endpoint):
        raise PaysealError("choose a key: one is made on the account's page")
    entry = visit.services.directory.by_keyid(keyid)
    if entry is None:
        raise PaysealError("this key is over: choose another")
    if len(body) > _LONGEST or len(path) > 2000:
        raise PaysealError("that is longer than can be tried here")
    if "{{" in path:
        raise PaysealError("the path names something from an earlier answer: put it in place of the braces")
    if not _TARGET.fullmatch(path):
        raise PaysealError("the path begins with one slash; what is no letter, digit or usual sign is percent-encoded")
    now = visit.services.clock()
    typed = form.get("created", "").strip()
    try:
        created = float(typed) if typed else now
    except ValueError:
        raise PaysealError("the time is in seconds since the epoch") from None
    scheme = compiled(entry.scheme, entry.overrides)
    nonce = form.get("nonce", "").strip() or str(uuid.uuid4())
    return _Draft(
        endpoint,
        keyid,
        scheme,
        json.loads(entry.overrides),
        entry.credential(now),
        path,
        body,
        nonce if scheme.nonce is not None else None,
        created,
    )


def _endpoints(visit: Visit) -> tuple[Endpoint, ...]:
    if not visit.services.endpoints:
        raise Missing("requests can be tried in a sandbox only")
    return visit.services.endpoints


def _keys(visit: Visit, endpoint: Endpoint) -> list[str]:
    """The key ids that can sign for the endpoint: the visitor's own, and in use."""
    now = visit.services.clock()
    return [
        key.keyid
        for key in visit.services.credentials.list(visit.account)
        if key.scheme == endpoint.scheme and key.state(now) in ("active", "rotating")
    ]


def _number(text: str, count: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return number if number < count else 0


PAGES = [
    Page("/console/try", "user", get=_form),
    Page("/console/try/preview", "user", post=_preview),
    Page("/console/try/send", "user", post=_send),
]
