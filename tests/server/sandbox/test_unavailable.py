"""A store or accounts that cannot be asked in the middle of a request: 503 in the provider's own shape, and the operator is told why."""

from __future__ import annotations

import sqlite3

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from payseal import CredentialError
from payseal.server.sandbox.commercehub import wording as commercehub
from payseal.server.sandbox.fiserv import wording as fiserv
from payseal.server.sandbox.provider import Shape, provider_app
from payseal.server.sandbox.startbutton import wording as startbutton

SHAPES = {"fiserv": fiserv.shape, "commercehub": commercehub.shape, "startbutton": startbutton.shape}
FULL = OperationalError("INSERT hunter2", {"card": "hunter2"}, sqlite3.OperationalError("database or disk is full"))


def failing(shape: Shape, error: Exception) -> TestClient:
    app = provider_app("failing", shape)

    @app.post("/pay")
    def pay() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("provider", SHAPES)
@pytest.mark.parametrize("error", [FULL, NoConnection("no connection is free"), CredentialError("in doubt")], ids=["full", "busy", "doubt"])
def test_what_cannot_be_asked_is_a_503(provider: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(SHAPES[provider], error).post("/pay")
    assert answer.status_code == 503
    assert "The request cannot be processed at the moment." in answer.text
    assert f"carrying out a request failed, the request is refused: {type(error).__name__}" in caplog.text
    assert "hunter2" not in answer.text + caplog.text


@pytest.mark.parametrize("provider", SHAPES)
def test_a_mistake_of_ours_is_a_500(provider: str) -> None:
    mistake = IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))
    assert failing(SHAPES[provider], mistake).post("/pay").status_code == 500
