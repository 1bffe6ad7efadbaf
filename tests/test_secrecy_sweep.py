"""Everything fails that can, and all that comes out is searched: for secrets, access tokens, card numbers, passwords and MACs that were computed
here by other means, in every form of `Hidden`.

What one object or one exception shows is in tests/core/test_secrets.py. Here whole systems are: both kinds of middleware over ledgers that fail,
accounts in a database, a sandbox with its console, and the command line.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import logging
import pickle
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attacks.timing.door import STRANGERS, Door

import payseal
from payseal.ledger import Ledger, MemoryLedger, SQLiteLedger, open_ledger
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from payseal.server.accounts import Database
from payseal.server.sandbox.serve import bind, serving
from payseal.server.users import UserStore
from payseal.server.vault import Vault
from tests.cli.conftest import capture, process
from tests.hidden import Hidden
from tests.middleware.support import Headers, asgi_call, asgi_exchange, asgi_scope, body_events, wsgi_call
from tests.server.sandbox.conftest import Sandbox
from tests.server.sandbox.samples import CARD, SALE, TRANSFER

SOURCE = str(Path(payseal.__file__).parent)
KEYID, SECRET, OLD, TOKEN = "merchant-1", "Rec0gnisable-secret+of/theirs=", "an-0lder+secret/of-theirs", "r3cognisable-Token-of-theirs"
CREDENTIAL = payseal.Credential(KEYID, [OLD, SECRET], TOKEN)
BODY = json.dumps(SALE).encode()
NAMES = ("fiserv-payments", "commercehub-hmac", "commercehub-digest", "startbutton-transfer")


def base_of(headers: dict[str, str], body: bytes, minute: str = "") -> bytes:
    """The signature base of each scheme here, without payseal."""
    return (minute or "".join(headers.get(name, "") for name in ("Api-Key", "Client-Request-Id", "Timestamp"))).encode() + body


def expected(headers: dict[str, str], body: bytes) -> Iterator[bytes]:
    """Every MAC that would be right for a request with those headers and that body."""
    now = time.time()
    minutes = [""] if "Timestamp" in headers else [time.strftime("%Y%m%d%H%M", time.gmtime(now + 60 * each)) for each in range(-6, 7)]
    for key in (SECRET, OLD, TOKEN):
        for minute in minutes:
            yield hmac.digest(key.encode(), base_of(headers, body, minute), "sha256")


@pytest.fixture
def hidden() -> Hidden:
    found = Hidden()
    for what, value in (("the secret", SECRET), ("the older secret", OLD), ("the token", TOKEN), ("the card", CARD)):
        found.secret(what, value)
    return found


def signed(name: str, body: bytes = BODY, **pinned: Any) -> dict[str, str]:
    return payseal.Signer(payseal.scheme(name), CREDENTIAL).sign(payseal.Request("POST", "/pay", body=body), **pinned)


# --- the search itself ---------------------------------------------------------------------------------------------------------

MAC = hmac.digest(b"k", b"m", "sha256")
SPELLINGS: dict[str, Callable[[], bytes]] = {
    "as it is": SECRET.encode,
    "a part": lambda: SECRET[9:21].encode(),
    "backwards": lambda: SECRET[::-1].encode(),
    "hexadecimal": lambda: SECRET.encode().hex().encode(),
    "hexadecimal, upper case": lambda: SECRET.encode().hex().upper().encode(),
    "base64": lambda: base64.b64encode(SECRET.encode()),
    "base64 of something with it inside": lambda: base64.b64encode(b"key:" + SECRET.encode() + b";"),
    "base64 for URLs": lambda: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + SECRET.encode()),
    "percent-encoded": lambda: "".join(f"%{byte:02X}" for byte in SECRET.encode()).encode(),
    "percent-encoded where it must be": lambda: b"secret=Rec0gnisable-secret%2Bof%2Ftheirs%3D",
    "in HTML": lambda: b"Rec0gnisable-secret&#43;of&#47;theirs&#61;",
    "as numbers": lambda: repr(list(SECRET.encode())).encode(),
    "a MAC": lambda: b"\0" + MAC + b"\0",
    "a quarter of a MAC": lambda: MAC[8:16],
    "eight characters of a MAC in base64": lambda: base64.b64encode(MAC)[20:28],
    "seven bytes of a MAC in hexadecimal": lambda: MAC[3:10].hex().encode(),
    "base64 of a MAC's hexadecimal": lambda: base64.b64encode(MAC.hex().encode())[8:28],
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=list(SPELLINGS))
def test_what_is_there_is_found(spelled: Callable[[], bytes], hidden: Hidden) -> None:
    hidden.mac("a MAC", MAC)
    assert hidden.found_in(b"so it says: " + spelled() + b" and more")
    assert not hidden.found_in(b"so it says: nothing at all, " + hashlib.sha256(b"other").hexdigest().encode())


# --- the middleware ------------------------------------------------------------------------------------------------------------


def refusals(name: str) -> dict[str, tuple[Headers, bytes]]:
    """Headers and body of a request for each way to be refused before the ledger is asked."""
    headers = signed(name)
    good = list(headers.items()), BODY
    stale = signed(name, created=time.time() - 4000)
    signature = next(each for each in headers if each in ("Message-Signature", "Authorization", "Message-Digest", "x-request-id"))
    found: dict[str, tuple[Headers, bytes]] = {
        "another body": (list(headers.items()), BODY + b" "),
        "stale": (list(stale.items()), BODY),
        "too large": (list(headers.items()), BODY * 40),
        "an unknown key": ([(each, "nobody" if value == KEYID else value) for each, value in headers.items()], BODY),
        "the secret in every header": ([(each, SECRET) for each in headers], BODY),
        "the token in every header": ([(each, f"Bearer {TOKEN}") for each in headers], BODY),
        "the secret in the key's place": ([(each, SECRET if value == KEYID else value) for each, value in headers.items()], BODY),
        "a card number for an id": ([(each, CARD if each == "Client-Request-Id" else value) for each, value in headers.items()], BODY),
    }
    for each in headers:
        found[f"no {each}"] = [(other, value) for other, value in headers.items() if other != each], BODY
        found[f"{each} malformed"] = [(other, f"{value}\t" if other == each else value) for other, value in headers.items()], BODY
    wrong = base64.b64encode(bytes(32)).decode() if len(headers[signature]) == 44 else "0" * len(headers[signature])
    found["a wrong signature"] = [(other, wrong if other == signature else value) for other, value in headers.items()], BODY
    if name == "startbutton-transfer":
        del found["no Authorization"]  # the one key there is needs no name
    return {way: request for way, request in found.items() if request != good}  # not every scheme has a keyid, or an id


class Called:
    """A site behind either middleware, and all that came out of it."""

    def __init__(self, kind: str, verifier: payseal.Verifier, ledger: Ledger, **options: Any) -> None:
        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/broken":
                raise RuntimeError("the till is on fire")
            await send({"type": "http.response.start", "status": 201, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

        def wsgi(environ: Any, start_response: Any) -> list[bytes]:
            if environ["PATH_INFO"] == "/broken":
                raise RuntimeError("the till is on fire")
            start_response("201 Created", [])
            return [b"done"]

        self.asgi = ASGIMiddleware(asgi, verifier, ledger, max_body=2000, **options) if kind == "asgi" else None
        self.wsgi = WSGIMiddleware(wsgi, verifier, ledger, max_body=2000, **options) if kind == "wsgi" else None
        self.out: list[str] = []

    def call(self, headers: Headers, body: bytes, target: str = "/pay") -> int:
        reply = asgi_call(self.asgi, body, headers, "POST", target) if self.asgi else wsgi_call(self.wsgi, body, headers, "POST", target)  # type: ignore[arg-type]
        self.out += [f"{reply.status} {reply.headers!r}", reply.body.decode("latin-1")]
        return reply.status


def fail(*arguments: object) -> Any:
    raise RuntimeError(f"postgresql://operator:{SECRET}@host/database: {arguments!r} {TOKEN}")


each_kind = pytest.mark.parametrize("kind", ["asgi", "wsgi"])
each_name = pytest.mark.parametrize("name", NAMES)


@each_kind
@each_name
def test_no_answer_log_or_file_of_a_site_shows_anything(
    kind: str, name: str, hidden: Hidden, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    scheme, recorded = payseal.scheme(name), []
    ledger = SQLiteLedger(tmp_path / "ledger.db")

    def record(what: object) -> None:
        recorded.append(repr(what))
        fail(what)

    verifier = payseal.Verifier(scheme, {KEYID: CREDENTIAL})
    site = Called(kind, verifier, ledger, idempotent=True, on_decision=lambda decision: None, witness=record)
    for headers, body in refusals(name).values():
        for mac in expected(dict(headers), body):
            hidden.mac("an expected MAC", mac)
        assert site.call(headers, body) in (400, 401, 413), (headers, site.out[-1])
    good = signed(name)
    for mac in expected(good, BODY):
        hidden.mac("a MAC that was sent", mac)
    assert [site.call(list(good.items()), BODY) for _ in range(2)] == [201, 201]
    with pytest.raises(RuntimeError, match="on fire") as broken:
        site.call(list(signed(name, b"{}").items()), b"{}", "/broken")
    unreachable = Called(kind, payseal.Verifier(scheme, fail), ledger, witness=record)
    assert unreachable.call(list(signed(name).items()), BODY) == 503
    files: dict[str, bytes | str] = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sum(map(len, files.values())) > 1000
    assert len(recorded) > 10
    printed = capfd.readouterr()
    for what, text in {**files, "answers": "\n".join(site.out + unreachable.out), "records": "\n".join(recorded)}.items():
        assert not hidden.found_in(text), what
    for what, text in (("log", caplog.text), ("printed", printed.out + printed.err)):
        assert not hidden.found_in(text), what
    assert "refused code=" in caplog.text
    for frame in crashed(broken.value):
        assert not hidden.found_in(frame), "a local of a frame that crashed"
    ledger.close()


def crashed(error: BaseException) -> list[str]:
    """What an error reporter sees of payseal's frames: all locals, but for what the client sent, as the server handed it over."""
    frames = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True).stack
    ours = [frame for frame in frames if frame.filename.startswith(SOURCE)]
    assert ours
    return [
        repr({name: value for name, value in (frame.locals or {}).items() if name not in ("scope", "environ", "headers")}) for frame in ours
    ]


@each_kind
@pytest.mark.parametrize("url", ["redis://operator:{}@127.0.0.1:{}/0", "postgresql://operator:{}@127.0.0.1:{}/payseal", "sqlite:"])
def test_no_outage_of_a_ledger_shows_anything(
    kind: str, url: str, hidden: Hidden, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    password = "a-Passw0rd-of-the-ledger"
    hidden.secret("the ledger's password", password)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]  # once it is closed nobody listens there
    out = []
    try:
        if url.startswith("sqlite"):
            (tmp_path / "ledger.db").write_bytes(f"no database at all, {password}".encode() * 500)
            url = f"sqlite:///{tmp_path}/ledger.db"
        ledger = open_ledger(url.format(password, port))
    except payseal.LedgerError as error:
        out += [str(error), repr(error), *(repr(each) for each in chain(error))]
    else:
        site = Called(kind, payseal.Verifier(payseal.scheme("fiserv-payments"), {KEYID: CREDENTIAL}), ledger)
        headers = signed("fiserv-payments")
        hidden.mac("a MAC that was sent", next(expected(headers, BODY)))
        assert site.call(list(headers.items()), BODY) == 503
        out += [*site.out, repr(ledger)]
        ledger.close()
    printed = capfd.readouterr()
    assert out
    assert not hidden.found_in("\n".join([*out, caplog.text, printed.out, printed.err]))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@each_name
def test_a_client_that_leaves_shows_nothing(name: str, hidden: Hidden, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site = Called("asgi", payseal.Verifier(payseal.scheme(name), {KEYID: CREDENTIAL}), MemoryLedger())
    assert site.asgi is not None
    events = [{**body_events(BODY)[0], "more_body": True}]
    assert asyncio.run(asgi_exchange(site.asgi, asgi_scope(headers=list(signed(name).items())), events)) == []
    assert not hidden.found_in(caplog.text)


# --- what can be reached -------------------------------------------------------------------------------------------------------


def reachable(root: object) -> list[object]:
    """Every object of payseal's own that something holds on to, closures and slots included."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        here = waiting.pop()
        if id(here) in seen or isinstance(here, type) or type(here).__name__ == "module":
            continue
        seen[id(here)] = here
        waiting += [each for each in gc.get_referents(here) if not (isinstance(each, dict) and "__name__" in each and "__spec__" in each)]
    return [each for each in seen.values() if type(each).__module__.split(".")[0] == "payseal"]


@pytest.mark.parametrize("scheme", ["fiserv-payments", "startbutton-transfer"])
def test_nothing_that_a_server_holds_shows_anything(scheme: str, hidden: Hidden) -> None:
    """From the middleware over the accounts down to the keys: no ``repr`` says anything, and what can be pickled holds nothing."""
    with Door(scheme) as door:
        for issued in door.issued.values():
            for what, value in (("an issued secret", issued.secret), ("an issued token", issued.token)):
                if value is not None:
                    hidden.secret(what, value)
        for stranger in STRANGERS:
            request = door.request(stranger)
            assert asgi_call(door.app, bytes(request.body), list(request.headers)).status == 401  # type: ignore[arg-type]
        found = [each for each in reachable(door.app) if not isinstance(each, type(door.app))]
        assert len({type(each) for each in found}) > 15
        assert {"Credential", "PreparedMac", "Directory", "Entry"} <= {type(each).__name__ for each in found}
        for each in found:
            assert not hidden.found_in(f"{each!r} {each} {getattr(each, '__dict__', '')!r}"), type(each)
            try:
                written = pickle.dumps(each)
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                written = str(error).encode()
            assert not hidden.found_in(written), type(each)


# --- the sandbox ---------------------------------------------------------------------------------------------------------------

PASSWORD = "the Passw0rd of an operator"


def test_no_answer_page_log_or_file_of_a_sandbox_shows_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says why it refuses, more than any other server does: still nothing that would let anybody sign."""
    caplog.set_level(logging.DEBUG, "payseal")
    hidden, vault, listener = Hidden(), Vault.open(tmp_path / "sandbox"), bind(0)
    keys = vault.demo_keys()
    hidden.secret("the card", CARD)
    hidden.secret("the operator's password", PASSWORD)
    for line in vault.keys_file.read_text().splitlines():
        name, _, value = line.partition(" = ")
        if name in ("secret", "token"):
            hidden.secret(f"a {name} of the demo account", value.strip('"'))
    out: list[str] = []
    with serving(vault, listener):
        sandbox = Sandbox(listener.getsockname()[1], vault)

        def refused(
            name: str, key: payseal.Credential, path: str, sent: bytes, over: bytes, signer: payseal.Credential | None = None, **pinned: Any
        ) -> None:
            headers = payseal.Signer(payseal.scheme(name), signer or key).sign(payseal.Request("POST", path, body=over), **pinned)
            for secret in key.reveal_secrets():
                minutes = [time.strftime("%Y%m%d%H%M", time.gmtime(time.time() + 60 * each)) for each in range(-6, 7)]
                for minute in [""] if "Timestamp" in headers else minutes:
                    hidden.mac("an expected MAC", hmac.digest(secret, base_of(headers, sent, minute), "sha256"))
            answer = sandbox.send("POST", path, {**headers, "Content-Type": "application/json"}, sent)
            assert answer.status in (401, 409), answer.raw
            trace = answer.json["payseal"]["explanation"].rpartition("/")[2]
            traces.append(trace)
            page = sandbox.send("GET", f"/explanations/{trace}", {})
            assert page.status == 200
            out.extend([str(answer.headers), answer.raw.decode(), page.raw.decode()])

        traces: list[str] = []
        respaced = json.dumps(SALE, separators=(",", ":")).encode()
        transfer = json.dumps({**TRANSFER, "reference": "sweep"}).encode()
        for sent in (respaced, b"", b"{}", BODY[:-1], BODY + b"\n"):
            refused("fiserv-payments", keys.fiserv, "/gateway/v2/payments", sent, BODY)
            refused("commercehub-hmac", keys.commercehub, "/payments/v1/charges", sent, BODY)
            refused("startbutton-transfer", keys.startbutton, "/transaction/transfer", sent, transfer)
        mixed = payseal.Credential(keys.fiserv.keyid, keys.commercehub.reveal_secrets()[0])
        refused("fiserv-payments", keys.fiserv, "/gateway/v2/payments", BODY, BODY, mixed)
        refused("fiserv-payments", keys.fiserv, "/gateway/v2/payments", respaced, BODY, created=time.time() - 3600)
        paid = sandbox.signed("fiserv-payments", keys.fiserv, "POST", "/gateway/v2/payments", SALE)
        sent_on = sandbox.signed("startbutton-transfer", keys.startbutton, "POST", "/transaction/transfer", raw=transfer)
        assert (paid.status, sent_on.status) == (200, 200)
        out += [paid.raw.decode(), sent_on.raw.decode(), *console_pages(sandbox, traces)]
        time.sleep(0.5)  # decisions are written soon, not at once
        files: dict[str, bytes | str] = {path.name: path.read_bytes() for path in vault.folder.glob("*.db*")}
    assert sum(map(len, files.values())) > 100_000
    assert any("-wal" in each for each in files)
    printed = capfd.readouterr()
    for what, text in {**files, "log": caplog.text, "printed": printed.out + printed.err}.items():
        assert not hidden.found_in(text), what
    for text in out:
        assert not hidden.found_in(text), text[:200]


def console_pages(sandbox: Sandbox, traces: list[str]) -> list[str]:
    """What an operator sees of it."""
    from tests.server.console.conftest import Visitor

    with closing(Database.open(sandbox.vault.accounts_url)) as database:
        users = UserStore(database)
        users.create("sweeper", "operator", actor="test:setup")
        users.set_password("sweeper", PASSWORD, actor="test:setup")
    visitor = Visitor(sandbox.port)
    wrong = visitor.sign_in("sweeper", PASSWORD[:-1])
    assert visitor.sign_in("sweeper", PASSWORD).status == 303
    paths = [
        "",
        "/requests",
        "/accounts",
        "/accounts/demo",
        "/audit",
        "/audit.csv",
        "/people",
        "/profile",
        *(f"/requests/{each}" for each in traces),
    ]
    pages = [visitor.get(f"/console{path}") for path in paths]
    assert [page.status for page in pages] == [200] * len(pages), [page.status for page in pages]
    return [wrong.text, *(page.text for page in pages)]


# --- the command line ----------------------------------------------------------------------------------------------------------

COMMANDS: dict[str, tuple[str, ...]] = {
    "verify": ("verify", "--scheme", "fiserv-payments"),
    "explain": ("explain", "--scheme", "fiserv-payments"),
    "explain as JSON": ("explain", "--scheme", "fiserv-payments", "--json"),
    "a ledger that is not there": ("ledger", "stats", "--ledger", "postgresql://operator:a-Passw0rd-of-the-ledger@127.0.0.1:1/payseal"),
    "a database that is not there": (
        "accounts",
        "list",
        "--database",
        "postgresql://operator:a-Passw0rd-of-the-ledger@127.0.0.1:1/payseal",
    ),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_no_command_shows_anything(command: tuple[str, ...], hidden: Hidden, tmp_path: Path) -> None:
    hidden.secret("a password", "a-Passw0rd-of-the-ledger")
    headers, body = signed("fiserv-payments"), json.dumps(SALE, separators=(",", ":")).encode()
    for mac in expected(headers, body):
        hidden.mac("an expected MAC", mac)
    given = {"PAYSEAL_KEYID": KEYID, "PAYSEAL_SECRET": SECRET, "PAYSEAL_TOKEN": TOKEN, "PAYSEAL_TRACEBACK": "1"}
    done = process(*command, stdin=capture("POST", "/pay", headers, body), env=given, cwd=tmp_path)
    assert done.returncode != 0
    assert b"see payseal" not in done.stderr  # it failed, and not for how it was asked
    assert done.stdout + done.stderr
    assert not hidden.found_in(done.stdout + b"\n" + done.stderr)
