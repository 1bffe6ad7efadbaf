"""One sandbox for all tests of it: a real server on a free port of this machine, in a folder of its own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from payseal import Credential, Request, Signer, scheme
from payseal.server.sandbox.serve import bind, serving
from payseal.server.vault import Vault


@dataclass(frozen=True)
class Reply:
    """An answer, read whole."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Sandbox:
    """The running sandbox, and a client that signs or does not."""

    port: int
    vault: Vault

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def signed(
        self,
        name: str,
        credential: Credential,
        method: str,
        path: str,
        document: Any = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        **pinned: Any,
    ) -> Reply:
        body = raw if raw is not None else b"" if document is None else json.dumps(document).encode()
        headers = Signer(scheme(name), credential).sign(Request(method, path, body=body), **pinned)
        return self.send(method, path, {**headers, "Content-Type": content_type}, body)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    vault = Vault.open(tmp_path_factory.mktemp("sandbox"))
    listener = bind(0)
    port = listener.getsockname()[1]
    with serving(vault, listener):
        yield Sandbox(port, vault)
