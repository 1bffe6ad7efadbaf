"""Nobody gets in without a session, nothing is done for a form from elsewhere, and every answer keeps a browser strict."""

from __future__ import annotations

import pytest

from .conftest import Console

PAGES = [
    "/console",
    "/console/requests",
    "/console/requests/3f6d0f6e-0000-4000-8000-000000000000",
    "/console/accounts",
    "/console/accounts/demo",
    "/console/try",
    "/console/catalogue",
    "/console/catalogue/fiserv-payments",
    "/console/audit",
    "/console/audit.csv",
    "/console/audit.jsonl",
    "/console/people",
    "/console/profile",
]
FORMS = [
    "/console/accounts/create",
    "/console/accounts/demo/switch",
    "/console/accounts/demo/networks/add",
    "/console/accounts/demo/networks/remove",
    "/console/accounts/demo/disabled",
    "/console/accounts/demo/keys",
    "/console/keys/any/rotate",
    "/console/keys/any/expire",
    "/console/keys/any/revoke",
    "/console/try/preview",
    "/console/try/send",
    "/console/people/create",
    "/console/people/any/link",
    "/console/people/any/disabled",
    "/console/profile/password",
    "/console/profile/sign-out-everywhere",
    "/console/sign-out",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(console: Console, path: str) -> None:
    got = console.visitor().get(path)
    assert (got.status, got.text) == (303, "")
    assert got.location == f"/console/sign-in?next={path.replace('/', '%2F')}"


def test_a_stranger_sees_no_stream(console: Console) -> None:
    assert console.visitor().get("/console/requests/stream").status == 401


@pytest.mark.parametrize("path", FORMS)
def test_a_form_does_nothing_without_a_session_its_token_or_its_origin(console: Console, path: str) -> None:
    assert console.visitor().post(path, {"value": "on"}).location == "/console/sign-in"
    visitor = console.signed_in()
    visitor.get("/console/profile")
    entries = len(list(console.accounts.audit(limit=1000)))
    assert visitor.post(path, {"csrf": ""}).status == 403
    assert visitor.post(path, {"csrf": visitor.csrf[:-1] + "x"}).status == 403
    assert visitor.post(path, {"csrf": "ü\ud800".encode("utf-8", "replace").decode()}).status == 403
    assert visitor.post(path, Origin="https://elsewhere.example").status == 403
    assert visitor.post(path, Origin="null").status == 403
    assert visitor.post(path, Origin="", Sec_Fetch_Site="cross-site").status == 403
    assert len(list(console.accounts.audit(limit=1000))) == entries


def test_a_sign_in_from_elsewhere_is_not_taken(console: Console) -> None:
    person = console.person()
    form = {"name": person.name, "password": "correct horse battery staple"}
    assert console.visitor().post("/console/sign-in", form, Origin="https://elsewhere.example").status == 403
    assert console.visitor().post("/console/sign-in", form, Origin="").status == 403


@pytest.mark.parametrize("path", [*PAGES, "/console/sign-in", "/console/link", "/console/accounts/nobody", "/explanations/none"])
def test_every_answer_keeps_a_browser_strict(console: Console, path: str) -> None:
    for got in (console.signed_in().get(path), console.visitor().get(path)):
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert got.headers["Cache-Control"] == "no-store"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Referrer-Policy"] == "same-origin"
        assert " style=" not in got.text
        assert "<script>" not in got.text
        assert " onclick=" not in got.text
        assert "://" not in got.text.replace(f"http://127.0.0.1:{console.port}", "").replace("http://www.w3.org/2000/svg", "")


def test_the_session_s_cookie_is_out_of_reach(console: Console) -> None:
    visitor = console.visitor()
    got = visitor.sign_in(console.person().name)
    cookie = got.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert len(visitor.cookies["payseal"]) >= 43


def test_what_is_too_large_or_no_form_is_refused(console: Console) -> None:
    visitor = console.signed_in()
    visitor.get("/console/profile")
    assert visitor.post("/console/accounts/create", {"title": "x" * 300_000}).status == 413
    for body in ("", "%zz=%ff", "&" * 1000, "a=b&" * 1000, "\x00"):
        got = visitor.send("POST", "/console/accounts/create", body, Origin=visitor.origin, X_CSRF_Token=visitor.csrf)
        assert got.status == 400
    assert visitor.send("DELETE", "/console/accounts/create").status == 405


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "/console//elsewhere.example", "/other", "javascript:x"]
)
def test_after_sign_in_one_stays_in_the_console(console: Console, target: str) -> None:
    assert console.visitor().sign_in(console.person().name, next=target).location == "/console"
    assert console.visitor().sign_in(console.person().name, next="/console/audit?before=3").location == "/console/audit?before=3"
