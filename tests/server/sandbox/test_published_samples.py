"""The samples that the providers publish, as they are published, against the sandbox.

Each file in ``samples_published`` is a provider's sample, word for word. What a sample leaves open is filled in here and nothing else: its
placeholders, the names it uses and never defines, and the sending where it stops at the signature. Those that are right succeed with a
key that is set to their dialect; those that are wrong in themselves are refused, and told why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import payseal
from payseal import Credential, Request
from payseal.server.accounts import AccountStore, CredentialStore, Database

from .calls import capture_document
from .conftest import Reply, Sandbox
from .programs import needs_node
from .samples import MERCHANT, SALE

FOLDER: Final = Path(__file__).parent / "samples_published"
CRYPTO_JS: Final = Path(__file__).parents[2] / "fixtures" / "crypto-js"
ACTOR: Final = "test:samples"

needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP on this machine, and the sample is PHP")


@dataclass(frozen=True)
class Around:
    """What a sample leaves open. ``before`` defines names; ``after`` shows, as JSON, what was made; ``placeholders`` are texts in it."""

    program: tuple[str, ...]
    suffix: str
    before: str
    after: str
    placeholders: Mapping[str, str]


def run(name: str, around: Around, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a sample with what it leaves open filled in."""
    text = (FOLDER / name).read_text("utf-8")
    for placeholder, value in around.placeholders.items():
        assert text.count(placeholder) == 1, placeholder
        text = text.replace(placeholder, value)
    path = tmp_path / f"sample{around.suffix}"
    path.write_text(f"{around.before}\n{text}\n{around.after}\n", "utf-8")
    return subprocess.run(
        [*around.program, str(path)], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def made(done: subprocess.CompletedProcess[str]) -> Any:
    """What a sample has shown."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- an account of its own for each ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Merchant:
    """An account that a provider's operator has set up for one sample."""

    id: str
    accounts: AccountStore
    credentials: CredentialStore

    def key(self, scheme: str, **overrides: Any) -> Credential:
        issued = self.credentials.create(self.id, scheme, overrides=overrides, actor=ACTOR)
        return Credential(issued.keyid, issued.secret, issued.token)


@pytest.fixture
def merchant(sandbox: Sandbox) -> Iterator[Merchant]:
    """A new account; its keys end with the test."""
    database = Database.open(sandbox.vault.accounts_url)
    accounts, credentials = AccountStore(database), CredentialStore(database, sandbox.vault.ring)
    account = accounts.create(f"samples-{uuid.uuid4().hex[:12]}", actor=ACTOR)
    yield Merchant(account.id, accounts, credentials)
    for record in credentials.list(account.id):
        credentials.revoke(record.keyid, actor=ACTOR)
    accounts.set_disabled(account.id, True, actor=ACTOR)
    database.close()


def soon(ask: Callable[[], Reply], status: int) -> Reply:
    """The first answer with that status: what is changed in the accounts is in force within a second."""
    deadline = time.monotonic() + 5
    while (answer := ask()).status != status:
        assert time.monotonic() < deadline, f"still {answer.status}"
        time.sleep(0.05)
    return answer


def told(ask: Callable[[], Reply]) -> tuple[Reply, Any]:
    """A refusal and the cause in it. The sandbox searches for a moment only, which a busy machine may need more than once."""
    deadline = time.monotonic() + 30
    while True:
        answer = ask()
        assert answer.status == 401
        cause = answer.json["payseal"].get("cause", {})
        if cause.get("proven") or time.monotonic() > deadline:
            return answer, cause
        time.sleep(0.2)


# --- Fiserv Payments API: Python, seconds ------------------------------------------------------------------------------------

#: ``content`` and ``url`` are never defined; the keys are defined under other names than they are used by.
FISERV: Final = Around(
    (sys.executable,),
    ".py",
    "import os\napiKey, apiSecret, content, url = (os.environ[name] for name in ('KEY', 'SECRET', 'CONTENT', 'URL'))",
    "import json\nprint(json.dumps({'status': r.status_code, 'body': r.text, 'sent': dict(r.request.headers)}))",
    {},
)


def fiserv(sandbox: Sandbox, merchant: Merchant, tmp_path: Path, placeholders: Mapping[str, str]) -> Any:
    """The sample's answer, with a key whose times are seconds."""
    overrides = {"created": {"format": "unix"}}
    key = merchant.key("fiserv-payments", **overrides)
    signer, path = payseal.Signer(payseal.scheme("fiserv-payments", **overrides), key), "/gateway/v2/payments/unknown"
    soon(lambda: sandbox.send("GET", path, signer.sign(Request("GET", path))), 404)
    around = Around(FISERV.program, FISERV.suffix, FISERV.before, FISERV.after, placeholders)
    done = run(
        "fiserv-message-signature.py.txt",
        around,
        tmp_path,
        KEY=key.keyid or "",
        SECRET=key.reveal_secrets()[0].decode(),
        CONTENT=json.dumps(SALE),
        URL=f"http://127.0.0.1:{sandbox.port}/gateway/v2/payments",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # the sample prints too


def test_the_python_sample_pays_with_a_key_of_seconds(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> None:
    answer = fiserv(sandbox, merchant, tmp_path, {})
    assert "Content-Type" not in answer["sent"]  # it is taken for what it is
    assert answer["status"] == 200
    assert json.loads(answer["body"])["transactionStatus"] == "APPROVED"
    assert len(answer["sent"]["Timestamp"]) == 10
    assert json.loads(answer["body"])["clientRequestId"] == answer["sent"]["Client-Request-Id"]


# --- Startbutton: PHP succeeds, JavaScript and Python cannot -----------------------------------------------------------------


def clock(quote: str) -> dict[str, str]:
    """The placeholders of the time, as the samples write them, with the time in UTC."""
    names = {"yyyy": "%Y", "mm": "%m", "dd": "%d", "hh": "%H", "min": "%M"}
    now = time.gmtime()
    return {f"{quote}{name}{quote}": f"{quote}{time.strftime(pattern, now)}{quote}" for name, pattern in names.items()}


def startbutton_key(sandbox: Sandbox, merchant: Merchant) -> Credential:
    key = merchant.key("startbutton-transfer")
    soon(lambda: sandbox.send("GET", "/wallet", {"Authorization": f"Bearer {key.reveal_token()}"}), 200)
    return key


def transfer(sandbox: Sandbox, key: Credential, name: str, around: Around, tmp_path: Path) -> tuple[Request, Callable[[], Reply]]:
    """What a sample makes, and what sends it: the body that it shows with the signature that it shows."""
    shown = made(run(name, around, tmp_path, SIGN_KEY=key.reveal_secrets()[0].decode()))
    headers = {"Authorization": f"Bearer {key.reveal_token()}", "Content-Type": "application/json", "x-request-id": shown["signature"]}
    body = shown["body"].encode()
    request = Request("POST", "/transaction/transfer", headers, body)
    return request, lambda: sandbox.send("POST", "/transaction/transfer", headers, body)


def assert_refused(request: Request, send: Callable[[], Reply], key: Credential, codes: set[str]) -> None:
    """It is refused, and both `payseal.explain` and the answer itself say why, with proof."""
    answer, cause = told(send)
    assert answer.json["message"] == "Invalid request signature"
    assert cause["code"] in codes
    explanation = payseal.explain(request, payseal.scheme("startbutton-transfer"), key, now=time.time(), budget=10)
    assert {each.code for each in explanation.causes if each.proven} == codes
    assert cause["fix"] in [each.fix for each in explanation.causes]


@needs_php
def test_the_php_sample_transfers(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> None:
    key = startbutton_key(sandbox, merchant)
    # The sample's last statement lacks its semicolon.
    show = ';\necho json_encode(["signature" => $signature, "body" => $encoded_payload]);'
    around = Around(("php",), ".php", "<?php", show, clock('"'))
    _, send = transfer(sandbox, key, "startbutton-transfer.php.txt", around, tmp_path)
    answer = send()
    assert (answer.status, answer.json["data"]) == (200, "processing")


@needs_node
def test_the_javascript_sample_signs_an_object_s_name_and_is_told(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> None:
    key = startbutton_key(sandbox, merchant)
    placeholders = clock('"')
    # The sample declares hour and reads hours.
    before = "var hours = " + placeholders['"hh"'] + ";"
    show = "console.log(JSON.stringify({ signature: signature, body: JSON.stringify(samplePayload) }));"
    around = Around(("node",), ".cjs", before, show, placeholders)
    request, send = transfer(sandbox, key, "startbutton-transfer.js.txt", around, tmp_path)
    assert_refused(request, send, key, {"body-object-object"})


PYTHON_SHOW: Final = "    import json\n    print(json.dumps({'signature': signature, 'body': json.dumps(sample_payload)}))\n\nmain()"


def test_the_python_sample_does_not_run(merchant: Merchant, tmp_path: Path) -> None:
    around = Around((sys.executable,), ".py", "", PYTHON_SHOW, clock("'"))
    done = run("startbutton-transfer.py.txt", around, tmp_path, SIGN_KEY="a-key")
    assert done.returncode == 1
    assert done.stderr.endswith("TypeError: '_Environ' object is not callable\n")


def test_the_python_sample_leaves_the_day_out_and_signs_a_repr_and_is_told(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> None:
    key = startbutton_key(sandbox, merchant)
    # The call that stops the sample, mended, so that what it signs can be seen.
    placeholders = {**clock("'"), "os.environ('SIGN_KEY')": "os.environ['SIGN_KEY']"}
    around = Around((sys.executable,), ".py", "", PYTHON_SHOW, placeholders)
    request, send = transfer(sandbox, key, "startbutton-transfer.py.txt", around, tmp_path)
    assert_refused(request, send, key, {"body-python-repr", "created-part-missing"})


# --- Commerce Hub: JavaScript, a digest without a key ------------------------------------------------------------------------


def captured(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> Callable[[], Reply]:
    """A session, its card capture signed by the sample, and what sends it: with another request id each time."""
    key = merchant.key("commercehub-hmac")
    document = {"merchantDetails": MERCHANT}
    path = "/payments-vas/v1/security/credentials"
    issued = soon(lambda: sandbox.signed("commercehub-hmac", key, "POST", path, document), 201).json
    # The sample names CryptoJS and the request that is about to be sent; its key is a placeholder.
    before = "const CryptoJS = require(process.env.CRYPTO_JS), request = { body: process.env.BODY };"
    values = "clientRequestId, timestamp, messageDigest: String(messageDigest), body: JSON.stringify(payload)"
    show = f"console.log(JSON.stringify({{ {values} }}));"
    around = Around(("node",), ".cjs", before, show, {'"API_KEY"': json.dumps(key.keyid)})

    def send() -> Reply:
        body = json.dumps(capture_document(issued), indent=2)
        shown = made(run("commercehub-message-digest.js.txt", around, tmp_path, CRYPTO_JS=str(CRYPTO_JS), BODY=body))
        # The headers that the page lists.
        headers = {
            "Content-Type": "application/json",
            "Client-Request-Id": shown["clientRequestId"],
            "Api-Key": key.keyid or "",
            "Timestamp": str(shown["timestamp"]),
            "Auth-Token-Type": "AccessToken",
            "Authorization": f"Bearer {issued['accessToken']}",
            "Message-Digest": shown["messageDigest"],
        }
        return sandbox.send("POST", "/payments-vas/v1/card-capture", headers, shown["body"].encode())

    return send


@needs_node
def test_the_digest_sample_captures_a_card_for_an_account_that_takes_digests_without_a_key(
    sandbox: Sandbox, merchant: Merchant, tmp_path: Path
) -> None:
    merchant.accounts.switch(merchant.id, "accept_unkeyed_digests", True, actor=ACTOR)
    answer = soon(captured(sandbox, merchant, tmp_path), 200)
    assert answer.json["gatewayResponse"]["transactionType"] == "TOKENIZE"


@needs_node
def test_the_digest_sample_is_refused_by_every_other_account(sandbox: Sandbox, merchant: Merchant, tmp_path: Path) -> None:
    answer, cause = told(captured(sandbox, merchant, tmp_path))
    assert answer.json["error"][0]["type"] == "APIM"
    assert cause["code"] == "algorithm-unkeyed"
