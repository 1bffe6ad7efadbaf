"""Webhook signatures, genuine and hostile: Standard Webhooks' example, what its libraries and Convoy's try, and more in the same styles."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from attacks.published import VECTORS, answered

from payseal import Credential, Request, Scheme, Signer
from tests.vectors.webhooks.make import FOLDER, MADE, written

FILES: dict[str, list[dict[str, Any]]] = {file: json.loads((FOLDER / file).read_text("utf-8")) for file in MADE}
EACH = [pytest.param(vector, id=f"{file.removesuffix('.json')}-{vector['name']}") for file, vectors in FILES.items() for vector in vectors]


@pytest.mark.parametrize("file", MADE)
def test_the_files_are_what_their_script_makes(file: str) -> None:
    assert (VECTORS / "webhooks" / file).read_text("utf-8") == written(file)
    names = [vector["name"] for vector in FILES[file]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("vector", EACH)
def test_what_is_genuine_is_accepted_and_nothing_else(vector: dict[str, Any]) -> None:
    assert answered(vector) == vector["code"]


def test_a_signer_makes_the_published_signature() -> None:
    (example,) = [vector for vector in FILES["standard-webhooks.json"] if vector["name"] == "published_example"]
    signer = Signer(Scheme.load(FOLDER / "standard-webhooks.toml"), Credential(secret=base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
    request = Request("POST", "/webhooks", body=b'{"test": 2432232314}')
    headers = signer.sign(request, created=1614265330, nonce="msg_p5jXN8AQM9LWM0D4loKWxJek")
    assert headers == dict(example["headers"])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_most_of_them_are_hostile() -> None:
    for vectors in FILES.values():
        hostile = [vector for vector in vectors if vector["code"]]
        assert len(hostile) > 3 * (len(vectors) - len(hostile))
        assert {vector["code"] for vector in hostile} >= {"malformed-header", "invalid-signature", "outside-window", "repeated-header"}
