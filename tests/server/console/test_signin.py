"""Getting in and out: the same words for whatever is wrong, tries that have to wait, links that work once, sessions that end."""

from __future__ import annotations

import re
import sqlite3
import time
from typing import Any

from payseal.server.users import SessionStore

from .conftest import ACTOR, PASSWORD, Console, Got, Visitor

NEW = "four other words in a row"


def change(console: Console, statement: str, *values: Any) -> None:
    """Change the database, as the passing of time would."""
    with sqlite3.connect(console.vault.accounts_file, timeout=10) as database:
        database.execute(statement, values)
    database.close()


def wait_over(console: Console) -> None:
    """As though every wait were over; the failures stay."""
    change(console, "update sign_in_counters set failed = failed - 1000, began = began - 1000")


def forget(console: Console) -> None:
    change(console, "delete from sign_in_counters")


def without_name(got: Got) -> str:
    return re.sub(r'name="name" value="[^"]*"', "", got.text)


def inside(visitor: Visitor) -> bool:
    return visitor.get("/console").status == 200


def test_a_name_and_its_password_open_the_console(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    got = visitor.sign_in(person.name)
    assert (got.status, got.location, got.text) == (303, "/console", "")
    assert person.name in visitor.get("/console").words
    assert visitor.get("/console/sign-in").location == "/console"
    assert visitor.sign_in(person.name.upper()).location == "/console"


def test_whatever_is_wrong_is_said_in_the_same_words(console: Console) -> None:
    person, gone, bare = console.person(), console.person(), console.person()
    console.users.disable(gone.name, ACTOR)
    change(console, "update users set password = null where name = ?", bare.name)
    answers = [
        console.visitor().sign_in(name, password)
        for name, password in (
            (person.name, "not the password at all"),
            ("nobody-of-that-name", PASSWORD),
            (gone.name, PASSWORD),
            (bare.name, PASSWORD),
            (bare.name, ""),
            (person.name, ""),
            ("<script>alert(1)</script>", PASSWORD),
            ("x" * 5000, "y" * 5000),
        )
    ]
    forget(console)
    assert {got.status for got in answers} == {401}
    assert len({without_name(got) for got in answers}) == 1
    assert all("payseal=" not in (got.headers["Set-Cookie"] or "") for got in answers)
    assert "<script>alert" not in "".join(got.text for got in answers)


def test_who_fails_too_often_waits_and_then_is_let_in(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    statuses = [visitor.sign_in(person.name, f"wrong password {number}").status for number in range(6)]
    assert statuses == [401] * 6
    waiting = visitor.sign_in(person.name)
    assert waiting.status == 429
    assert 1 <= int(waiting.headers["Retry-After"]) <= 2
    assert f"wait {waiting.headers['Retry-After']} seconds" in waiting.words.lower()
    assert visitor.sign_in(person.name, "wrong again and again").status == 429
    wait_over(console)
    assert visitor.sign_in(person.name).status == 303
    assert inside(visitor)
    forget(console)


def test_a_link_lets_in_once_and_leads_to_a_password(console: Console) -> None:
    person = console.users.create("by-link", "operator", actor=ACTOR)
    token = console.links.issue(person.id, actor=ACTOR)
    visitor, second = console.visitor(), console.visitor()
    page = visitor.get("/console/link")
    assert 'name="token"' in page.text
    got = visitor.post("/console/link", {"token": token})
    assert (got.status, got.location) == (303, "/console/profile")
    assert "Set a password" in visitor.get("/console/profile").words
    again = second.post("/console/link", {"token": token})
    assert (again.status, second.cookies) == (401, {})
    assert token not in again.text
    assert console.visitor().post("/console/link", {"token": ""}).status == 401
    assert console.visitor().post("/console/link", {"token": "x" * 5000}).status == 401
    assert console.visitor().post("/console/link", {"token": token}, Origin="https://elsewhere.example").status == 403
    assert console.visitor().post("/console/link", {"token": token}, Origin="").status == 403
    visitor.get("/console/profile")
    assert visitor.post("/console/profile/password", {"password": NEW, "again": NEW}).location == "/console/profile?said=password-set"
    other = console.links.issue(person.id, actor=ACTOR)
    assert console.visitor().post("/console/link", {"token": other}).location == "/console"


def test_a_link_is_taken_from_whoever_is_signed_in_already(console: Console) -> None:
    visitor = console.signed_in()
    before = dict(visitor.cookies)
    person = console.person()
    token = console.links.issue(person.id, actor=ACTOR)
    assert visitor.post("/console/link", {"token": token, "csrf": ""}).status == 303
    assert person.name in visitor.get("/console").words
    assert not inside(Visitor(console.port, before))


def test_a_used_up_or_overdue_link_of_a_disabled_user_lets_nobody_in(console: Console) -> None:
    person = console.person()
    overdue = console.links.issue(person.id, actor=ACTOR)
    change(console, "update links set expires = ?", time.time() - 1)
    assert console.visitor().post("/console/link", {"token": overdue}).status == 401
    ended = console.links.issue(person.id, actor=ACTOR)
    console.users.disable(person.name, ACTOR)
    assert console.visitor().post("/console/link", {"token": ended}).status == 401


def test_a_link_keeps_its_token_out_of_every_address(console: Console) -> None:
    visitor = console.signed_in()
    visitor.get("/console/people")
    got = visitor.post(f"/console/people/{console.person().name}/link")
    link = re.search(r"(http://127\.0\.0\.1:\d+/console/link)#([\w-]{43})", got.text)
    assert link is not None
    assert got.headers["Referrer-Policy"] == "same-origin"
    page = console.visitor().get("/console/link").text
    assert 'method="post" action="/console/link"' in page
    assert link[2] not in visitor.get("/console/people").text


def test_signing_in_begins_a_new_session_and_ends_the_one_before(console: Console) -> None:
    person = console.person()
    planted = Visitor(console.port, {"payseal": "A" * 43})
    planted.sign_in(person.name)
    assert planted.cookies["payseal"] != "A" * 43
    assert not inside(Visitor(console.port, {"payseal": "A" * 43}))
    first = dict(planted.cookies)
    planted.csrf = ""
    assert planted.post("/console/sign-in", {"name": person.name, "password": PASSWORD}).status == 303
    assert planted.cookies["payseal"] != first["payseal"]
    assert inside(planted)
    assert not inside(Visitor(console.port, first))


def test_a_password_is_changed_by_whoever_knows_it(console: Console) -> None:
    person = console.person()
    here, elsewhere = console.visitor(), console.visitor()
    here.sign_in(person.name)
    elsewhere.sign_in(person.name)
    before = dict(here.cookies)
    here.get("/console/profile")

    def changed(current: str, password: str, again: str) -> Got:
        return here.post("/console/profile/password", {"current": current, "password": password, "again": again})

    assert changed("not the one", NEW, NEW).status == 400
    assert changed("", NEW, NEW).status == 400
    assert changed(PASSWORD, NEW, NEW + "x").status == 400
    assert changed(PASSWORD, "short", "short").status == 400
    assert inside(elsewhere)
    assert changed(PASSWORD, NEW, NEW).location == "/console/profile?said=password-set"
    assert inside(here)
    assert not inside(elsewhere)
    assert not inside(Visitor(console.port, before))
    assert console.visitor().sign_in(person.name).status == 401
    assert console.visitor().sign_in(person.name, NEW).status == 303
    forget(console)


def test_right_passwords_never_lead_to_a_wait_and_wrong_ones_do(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    visitor.get("/console/profile")
    form = {"current": PASSWORD, "password": "short", "again": "short"}
    assert [visitor.post("/console/profile/password", form).status for _ in range(9)] == [400] * 9
    assert "at most" not in visitor.post("/console/profile/password", form).words
    form["current"] = "not the password at all"
    statuses = [visitor.post("/console/profile/password", form).status for _ in range(7)]
    assert statuses == [400] * 6 + [429]
    forget(console)


def test_signing_out_ends_the_session(console: Console) -> None:
    visitor = console.signed_in()
    before = dict(visitor.cookies)
    visitor.get("/console/profile")
    got = visitor.post("/console/sign-out")
    assert got.location == "/console/sign-in?said=signed-out"
    assert visitor.cookies == {}
    assert not inside(Visitor(console.port, before))
    assert "You are signed out" in visitor.get(got.location).words


def test_signing_out_everywhere_leaves_this_session(console: Console) -> None:
    person = console.person()
    visitors = [console.visitor() for _ in range(3)]
    for each in visitors:
        each.sign_in(person.name)
    page = visitors[0].get("/console/profile")
    assert page.text.count("<tr><td>") == 3
    assert page.words.count("(this one)") == 1
    assert visitors[0].post("/console/profile/sign-out-everywhere").status == 303
    assert [inside(each) for each in visitors] == [True, False, False]


def test_a_session_is_over_when_its_time_is(console: Console) -> None:
    person = console.person()
    idle, old = console.visitor(), console.visitor()
    for visitor, column, seconds in ((idle, "seen", 7201), (old, "created", 43_201)):
        visitor.sign_in(person.name)
        assert inside(visitor)
        session = SessionStore(console.database).find(visitor.cookies["payseal"])
        assert session is not None
        change(console, f"update sessions set {column} = {column} - ? where id = ?", seconds, session.id)
        assert visitor.get("/console").location == "/console/sign-in?next=%2Fconsole"


def test_whoever_is_disabled_is_out_at_once(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    console.users.disable(person.name, ACTOR)
    assert not inside(visitor)
    assert visitor.get("/console/requests/stream").status == 401
    assert visitor.get("/console", HX_Request="true").headers["HX-Redirect"] == "/console/sign-in"


def test_tokens_and_passwords_are_in_no_file(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    token = console.links.issue(person.id, actor=ACTOR)
    visitor.get("/console/audit.jsonl")
    kept = b"".join(path.read_bytes() for path in console.vault.folder.glob("accounts.db*"))
    assert person.name.encode() in kept
    for secret in (visitor.cookies["payseal"], token, PASSWORD):
        assert secret.encode() not in kept
