"""What the three providers' applications have in common: what they stand on, and errors in the provider's own shape."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from payseal.errors import CredentialError
from payseal.middleware import report
from payseal.request import Request as Incoming
from payseal.server.accounts import Directory
from payseal.server.sandbox.faults.stage import Staged
from payseal.server.sandbox.store import Store
from payseal.server.vault import Vault
from payseal.verification import Authenticated, Verifier

__all__ = ["Backing", "Failure", "Model", "Mount", "Settings", "Shape", "authenticated", "failed", "provider_app", "request_id", "trace_id"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chooses. ``webhook_hosts`` are where webhooks may go beside this machine itself (``host`` or ``host:port``);
    ``settle_after`` is how long (seconds) a transfer is pending."""

    webhook_hosts: tuple[str, ...] = ()
    settle_after: float = 2.0


@dataclass(frozen=True, slots=True)
class Backing:
    """What a provider's application stands on. ``clock`` gives seconds since the epoch, and is never off: only verifiers are misled."""

    store: Store
    vault: Vault
    directory: Directory
    settings: Settings
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Mount:
    """Where an application answers, and who may ask it. ``provider`` is its name in orders to fail; the paths are ``path`` and all
    below it; ``idempotent`` and ``unsigned`` are the guard's (`payseal.middleware`)."""

    provider: str
    path: str
    app: FastAPI
    verifier: Verifier
    idempotent: bool
    unsigned: Callable[[Incoming], Authenticated | None] | None = None


class Model(BaseModel):
    """A provider's JSON object. Unknown fields are let through, as the providers do; an error never repeats what was sent."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, str_max_length=4096)


class Failure(Exception):
    """A request that was genuine and is refused for what it asks. Worded by the provider's `Shape`.

    ``field`` and ``message`` are the first mistake; ``details`` are all of them, (field, message), where each is a field's.
    """

    def __init__(
        self, status: int, message: str, *, code: str | None = None, field: str | None = None, details: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.field = status, message, code, field
        self.details = details or (((field, message),) if field is not None else ())


class Shape(Protocol):
    """The provider's error body."""

    def __call__(self, failure: Failure, request: Request) -> dict[str, Any]: ...


#: What the client is told when something failed on this side.
_BROKEN: Final = Failure(500, "The request could not be processed.")
#: And what it is told when nothing was done because the store or the accounts cannot be asked: it may send the same again.
_UNAVAILABLE: Final = Failure(503, "The request cannot be processed at the moment.")


def authenticated(request: Request) -> Authenticated:
    """Whose request this is: the middleware in front has proven it."""
    found: Authenticated = request.scope["payseal"]
    return found


def request_id(request: Request) -> str | None:
    """The proven request id; ``None`` where the request was not proven yet, or its scheme has none."""
    found: Authenticated | None = request.scope.get("payseal")
    return found.nonce if found is not None else None


def trace_id() -> str:
    """An id for one answer."""
    return uuid.uuid4().hex


def failed(app: FastAPI) -> Callable[[Request], dict[str, Any]]:
    """How that provider says that something failed on its side."""
    shape: Shape = app.state.shape
    return lambda request: shape(_BROKEN, request)


def provider_app(title: str, shape: Shape) -> FastAPI:
    """An application whose every error has the provider's shape."""
    app = FastAPI(title=title, openapi_url=None, redirect_slashes=False, strict_content_type=False)
    app.state.shape = shape

    def answer(failure: Failure, request: Request, headers: Any = None) -> JSONResponse:
        return JSONResponse(shape(failure, request), failure.status, headers=headers)

    def _failure(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Failure)
        return answer(error, request)

    def _invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = error.errors()
        if found[0]["type"] == "json_invalid":
            return answer(Failure(400, "The body is not valid JSON."), request)
        # The place and the reason; never the value, which may be a card number.
        mistakes = [(".".join(str(part) for part in each["loc"][1:] if isinstance(part, str | int)), f"{each['msg']}.") for each in found]
        field, message = mistakes[0]
        return answer(Failure(400, message, field=field or None, details=tuple(each for each in mistakes if each[0])), request)

    def _http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(Failure(error.status_code, f"{error.detail}."), request, error.headers)

    def _broken(request: Request, error: Exception) -> JSONResponse:
        return answer(_BROKEN, request)

    def _unavailable(request: Request, error: Exception) -> JSONResponse:
        report.failed("carrying out a request", error)
        return answer(_UNAVAILABLE, request)

    for unavailable in (OperationalError, NoConnection, CredentialError):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(Failure, _failure)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Staged, _broken)
    app.add_exception_handler(Exception, _broken)

    @app.middleware("http")
    async def _only_json(request: Request, proceed: Callable[[Request], Awaitable[Any]]) -> Any:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # A body that says nothing of itself is taken for JSON: the published Python sample sends one.
        if request.method == "POST" and media_type not in ("", "application/json"):
            return answer(Failure(415, "The body must be sent as Content-Type: application/json."), request)
        return await proceed(request)

    return app
