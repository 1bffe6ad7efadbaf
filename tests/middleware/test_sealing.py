"""Answers that are kept sealed: given again byte for byte, readable in no file, and for no other id."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from payseal.ledger import Claim, MemoryLedger, Outcome, SQLiteLedger
from payseal.ledger.protocol import Answer
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from payseal.middleware.sealing import opened, sealed
from payseal.server.accounts import KeyRing
from payseal.server.accounts.keyring import add_master_key

from .support import VERIFIER, asgi_call, signed, wsgi_call

BODY = b'{"accessToken": "only-for-whoever-asked"}'


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    add_master_key(tmp_path / "master.keys")
    return KeyRing.load(tmp_path / "master.keys")


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_answer_is_sealed_where_it_is_kept_and_given_again_as_it_was(kind: str, ring: KeyRing, tmp_path: Path) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-token", b"in-a-header")]})
        await send({"type": "http.response.body", "body": BODY})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("201 Created", [("x-token", "in-a-header")])
        return [BODY]

    ledger = SQLiteLedger(tmp_path / "ledger.db")
    headers = signed(b"{}", nonce="n-1")
    options: dict[str, Any] = {"idempotent": True, "sealer": ring}
    if kind == "asgi":
        first, again = (asgi_call(ASGIMiddleware(asgi, VERIFIER, ledger, **options), b"{}", headers) for _ in range(2))
    else:
        first, again = (wsgi_call(WSGIMiddleware(wsgi, VERIFIER, ledger, **options), b"{}", headers) for _ in range(2))
    assert (first.status, again.status, first.body, again.body) == (201, 201, BODY, BODY)
    assert dict(again.headers)["idempotent-replayed"] == "true"
    assert dict(again.headers)["x-token"] == "in-a-header"
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        assert database.execute("select count(*) from claims where status = 201").fetchone() == (1,)
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    for hidden in (b"only-for-whoever-asked", b"in-a-header"):
        assert hidden not in kept


def test_a_sealed_answer_is_of_one_id_alone(ring: KeyRing) -> None:
    claim = Claim(MemoryLedger(), "shop", "one", Outcome.FRESH)
    answer = Answer(200, ((b"a", b"\xff"),), b"\x00body")
    kept = sealed(answer, claim, ring)
    assert opened(kept, claim, ring) == answer
    for other in (replace(claim, id="two"), replace(claim, scope="other")):
        with pytest.raises(Exception, match=r"seal|open|key"):
            opened(kept, other, ring)


def test_an_answer_that_cannot_be_opened_refuses(ring: KeyRing, tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": BODY})

    add_master_key(tmp_path / "others.keys")
    other, ledger, headers = KeyRing.load(tmp_path / "others.keys"), MemoryLedger(), signed(b"{}")
    assert asgi_call(ASGIMiddleware(app, VERIFIER, ledger, idempotent=True, sealer=ring), b"{}", headers).status == 200
    again = asgi_call(ASGIMiddleware(app, VERIFIER, ledger, idempotent=True, sealer=other), b"{}", headers)
    assert (again.status, BODY in again.body) == (503, False)
