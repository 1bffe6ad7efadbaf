"""What the three providers' applications have in common: errors in the provider's own shape, and nothing of what was sent in them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from payseal.verification import Authenticated

__all__ = ["Failure", "Model", "Shape", "authenticated", "provider_app", "trace_id"]


class Model(BaseModel):
    """A provider's JSON object. Unknown fields are let through, as the providers do; an error never repeats what was sent."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, str_max_length=4096)


class Failure(Exception):
    """A request that was genuine and is refused for what it asks. Worded by the provider's `Shape`."""

    def __init__(self, status: int, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.field = status, message, code, field


class Shape(Protocol):
    """The provider's error body."""

    def __call__(self, failure: Failure, request: Request) -> dict[str, Any]: ...


def authenticated(request: Request) -> Authenticated:
    """Whose request this is: the middleware in front has proven it."""
    found: Authenticated = request.scope["payseal"]
    return found


def trace_id() -> str:
    """An id for one answer."""
    return uuid.uuid4().hex


def provider_app(title: str, shape: Shape) -> FastAPI:
    """An application whose every error has the provider's shape."""
    app = FastAPI(title=title, openapi_url=None, redirect_slashes=False)

    def answer(failure: Failure, request: Request, headers: Any = None) -> JSONResponse:
        return JSONResponse(shape(failure, request), failure.status, headers=headers)

    def _failure(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Failure)
        return answer(error, request)

    def _invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        # The place and the reason; never the value, which may be a card number.
        field = ".".join(str(part) for part in first["loc"][1:] if isinstance(part, str | int))
        malformed = first["type"] == "json_invalid"
        message = "The body is not valid JSON." if malformed else f"{first['msg']}."
        return answer(Failure(400, message, field=None if malformed else field or None), request)

    def _http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(Failure(error.status_code, f"{error.detail}."), request, error.headers)

    def _broken(request: Request, error: Exception) -> JSONResponse:
        return answer(Failure(500, "The request could not be processed."), request)

    app.add_exception_handler(Failure, _failure)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)

    @app.middleware("http")
    async def _only_json(request: Request, proceed: Callable[[Request], Awaitable[Any]]) -> Any:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and media_type != "application/json":
            return answer(Failure(415, "The body must be sent as Content-Type: application/json."), request)
        return await proceed(request)

    return app
