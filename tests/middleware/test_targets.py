"""The target is verified exactly as it was sent: by a scheme that covers it, and over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from payseal import Request, Scheme, Signer, Verifier
from payseal.ledger import MemoryLedger
from payseal.middleware import ASGIMiddleware, WSGIMiddleware
from payseal.middleware.asgi import target_of as asgi_target
from payseal.middleware.wsgi import target_of as wsgi_target
from tests.middleware.sites import Site, bare_asgi, bare_wsgi, uvicorn_server, werkzeug_server, wsgiref_server
from tests.middleware.support import CREDENTIAL, STRICT, STRICT_VERIFIER, Shop, asgi_call, asgi_scope, signed, wsgi_call, wsgi_environ

SIGNER = Signer(STRICT, CREDENTIAL)

#: Spelled in the one usual way: whoever has only the decoded path can tell how they were sent.
USUAL = ["/", "/pay", "/pay/", "/pay?a=1&a=2&b", "/a%20b", "/caf%C3%A9?q=%e9+%2f", "/~a;v=1/@:!$&'()*+,b", "/pay?x=/?y"]
#: Spelled in another way.
UNUSUAL = ["/a%2Fb", "/caf%c3%a9", "/%70ay", "/a%3Bb"]


@pytest.fixture(scope="module", params=["uvicorn", "werkzeug", "wsgiref"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Site, bool]]:
    """A site, and whether its server says how the path was spelled."""
    shop, ledger = Shop(), MemoryLedger()
    if request.param == "uvicorn":
        context = uvicorn_server(ASGIMiddleware(bare_asgi(shop), STRICT_VERIFIER, ledger))
    else:
        app = WSGIMiddleware(bare_wsgi(shop), STRICT_VERIFIER, ledger)
        context = werkzeug_server(app) if request.param == "werkzeug" else wsgiref_server(app)
    with context as port:
        yield Site(port, shop), request.param != "wsgiref"


@pytest.mark.parametrize("target", USUAL)
def test_a_target_is_verified_as_it_was_sent(server: tuple[Site, bool], target: str) -> None:
    assert server[0].send("POST", target, signed(b"{}", target=target, signer=SIGNER), b"{}").status == 201


@pytest.mark.parametrize("target", UNUSUAL)
def test_an_unusual_spelling_is_verified_as_sent_or_refused(server: tuple[Site, bool], target: str) -> None:
    site, keeps_spelling = server
    assert site.send("POST", target, signed(b"{}", target=target, signer=SIGNER), b"{}").status == (201 if keeps_spelling else 401)


@pytest.mark.parametrize(
    ("signed_for", "sent_to"), [("/pay", "/pay?"), ("/pay", "/pay/"), ("/pay?a=1", "/pay?a=2"), ("/pay?a", "/pay"), ("/a%20b", "/a+b")]
)
def test_another_target_than_the_signed_one_is_refused(server: tuple[Site, bool], signed_for: str, sent_to: str) -> None:
    if sent_to == "/pay?":
        sent_to = "/pay?%20"  # an empty query is none to ASGI
    reply = server[0].send("POST", sent_to, signed(b"{}", target=signed_for, signer=SIGNER), b"{}")
    assert (reply.status, reply.code) == (401, "invalid-signature")


def test_without_a_raw_path_the_path_is_quoted_in_the_usual_way() -> None:
    for target in USUAL:
        path = target.partition("?")[0]
        decoded = path.replace("%20", " ").replace("%C3%A9", "é")
        assert asgi_target(asgi_scope(target=target) | {"path": decoded, "raw_path": None}) == target
        as_wsgi = decoded.encode().decode("latin-1")
        assert wsgi_target(wsgi_environ(target=target, PATH_INFO=as_wsgi)) == target


def test_a_mounted_application_is_given_the_whole_target() -> None:
    assert wsgi_target(wsgi_environ(target="/pay", SCRIPT_NAME="/v1")) == "/v1/pay"
    assert wsgi_target(wsgi_environ(target="", SCRIPT_NAME="/v1")) == "/v1"


def test_a_path_that_is_no_text_can_be_quoted_too() -> None:
    assert asgi_target(asgi_scope() | {"path": "/\udcff?", "raw_path": None}) == "/%ED%B3%BF%3F"
    assert wsgi_target(wsgi_environ(PATH_INFO="/\xff?")) == "/%FF%3F"


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
def test_what_the_server_says_was_sent_counts(name: str) -> None:
    environ = wsgi_environ(target="/a/b?x")
    assert wsgi_target(environ | {name: "/a%2Fb?x"}) == "/a%2Fb?x"
    assert wsgi_target(environ | {name: "http://shop.example:80/a%2Fb?x"}) == "/a%2Fb?x"
    assert wsgi_target(environ | {name: "http://shop.example"}) == "/"
    assert wsgi_target(environ | {name: "//double/a:b://c"}) == "//double/a:b://c"
    assert wsgi_target(environ | {name: "*"}) == "*"


@pytest.mark.parametrize("call", [asgi_call, wsgi_call])
def test_a_target_that_cannot_be_signed_is_refused(call: Any) -> None:
    ledger = MemoryLedger()
    shop = Shop()
    app: Any = (
        ASGIMiddleware(bare_asgi(shop), STRICT_VERIFIER, ledger)
        if call is asgi_call
        else WSGIMiddleware(bare_wsgi(shop), STRICT_VERIFIER, ledger)
    )
    more = {"raw_path": b"/caf\xc3\xa9"} if call is asgi_call else {"RAW_URI": "/caf\xc3\xa9"}
    reply = call(app, b"", signed(b"", signer=SIGNER), **more)
    assert (reply.status, reply.code) == (400, "malformed-target")
    assert (shop.calls, ledger.size) == ([], 0)


def test_every_header_is_handed_over_as_it_came() -> None:
    scheme = Scheme.loads(
        """
        name = "header-test"
        [signature]
        base = "{header:Content-Type}\\n{host}\\n{body}"
        algorithm = "hmac-sha256"
        encoding = "hex"
        [headers]
        X-Signature = "{signature}"
        """
    )
    verifier = Verifier(scheme, CREDENTIAL)
    request = Request("POST", "/pay", {"Content-Type": "application/json", "Host": "shop.example"}, b"{}")
    headers = [*Signer(scheme, CREDENTIAL).sign(request).items(), ("Host", "shop.example")]
    asgi = ASGIMiddleware(bare_asgi(Shop()), verifier, "memory://")
    assert asgi_call(asgi, b"{}", [*headers, ("Content-Type", "application/json")]).status == 201
    assert asgi_call(asgi, b"{}", [*headers, ("Content-Type", "text/plain")]).code == "invalid-signature"
    wsgi = WSGIMiddleware(bare_wsgi(Shop()), verifier, "memory://")
    assert wsgi_call(wsgi, b"{}", headers, CONTENT_TYPE="application/json").status == 201
    assert wsgi_call(wsgi, b"{}", headers, CONTENT_TYPE="text/plain").code == "invalid-signature"
    assert wsgi_call(wsgi, b"{}", headers).code == "missing-header"
