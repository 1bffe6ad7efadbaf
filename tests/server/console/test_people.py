"""People in the console: added with a link that lets them in once, disabled and enabled, by operators alone."""

from __future__ import annotations

import re

import pytest

from .conftest import ACTOR, Console, Visitor

ATTACK = """"><script>alert(1)</script>"""


def link_in(text: str) -> str:
    found = re.search(r"/console/link#([\w-]+)", text)
    assert found is not None
    return found[1]


def add(visitor: Visitor, **form: str) -> tuple[int, str]:
    visitor.get("/console/people")
    got = visitor.post("/console/people/create", form)
    return got.status, got.text


def test_someone_new_comes_in_by_a_link_and_is_what_they_were_made(console: Console) -> None:
    operator, account = console.signed_in(), console.account()
    for name, form in (
        ("new-merchant", {"role": "merchant", "account": account}),
        ("new-operator", {"role": "operator", "account": account}),
    ):
        status, text = add(operator, name=name, **form)
        assert status == 200
        token = link_in(text)
        assert text.count(token) == 1
        visitor = console.visitor()
        assert visitor.post("/console/link", {"token": token}).location == "/console/profile"
        assert visitor.get("/console/people").status == (200 if name == "new-operator" else 403)
        assert token not in operator.get("/console/people").text
    assert console.users.get("new-merchant").account == account
    assert console.users.get("new-operator").account is None
    page = operator.get("/console/people").words
    assert f"new-merchant merchant {account} none active" in page


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "role": "operator"},
        {"name": "two words", "role": "operator"},
        {"name": ATTACK, "role": "operator"},
        {"name": "x" * 65, "role": "operator"},
        {"name": "fine", "role": "merchant"},
        {"name": "fine", "role": "merchant", "account": "nobody"},
        {"name": "fine", "role": "merchant", "account": "a\0b"},
        {"name": "fine", "role": "emperor", "account": ""},
    ],
)
def test_who_cannot_be_added_is_not(console: Console, form: dict[str, str]) -> None:
    operator, before = console.signed_in(), console.users.list()
    status, text = add(operator, **form)
    assert status == 400
    assert "<script>alert" not in text
    assert console.users.list() == before


def test_a_name_is_taken_once(console: Console) -> None:
    operator, person = console.signed_in(), console.person()
    assert add(operator, name=person.name.upper(), role="operator")[0] == 400


def test_whoever_is_disabled_is_out_until_enabled(console: Console) -> None:
    operator, person, visitor = console.signed_in(), console.person(), console.visitor()
    visitor.sign_in(person.name)
    operator.get("/console/people")
    token = link_in(operator.post(f"/console/people/{person.name}/link").text)
    assert operator.post(f"/console/people/{person.name}/disabled", {"value": "on"}).location == "/console/people?said=user-disabled"
    assert visitor.get("/console").status == 303
    assert visitor.post("/console/link", {"token": token}).status == 401
    assert visitor.sign_in(person.name).status == 401
    assert operator.post(f"/console/people/{person.name}/link").status == 400
    assert operator.post(f"/console/people/{person.name}/disabled", {"value": "off"}).location == "/console/people?said=user-enabled"
    assert visitor.sign_in(person.name).status == 303
    found = [(each.action, each.actor) for each in console.accounts.audit(limit=50) if each.detail.get("user") == person.name]
    actor = next(actor for action, actor in found if action == "user.disable")
    assert actor.startswith("console:person-")
    assert ("user.enable", actor) in found
    assert ("link.issue", actor) in found


def test_nobody_disables_themselves_however_they_spell_it(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    visitor.get("/console/people")
    for name in (person.name, person.name.upper(), person.name.title()):
        assert visitor.post(f"/console/people/{name}/disabled", {"value": "on"}).status == 400
    assert visitor.get("/console/people").status == 200


def test_nobody_is_not_found(console: Console) -> None:
    operator = console.signed_in()
    operator.get("/console/people")
    for name in ("nobody-of-that-name", "%00", "%3Cscript%3E", "x" * 300):
        for path in ("link", "disabled"):
            assert operator.post(f"/console/people/{name}/{path}", {"value": "on"}).status == 404


def test_an_operator_helps_themselves_to_no_old_link(console: Console) -> None:
    operator, person = console.signed_in(), console.person()
    operator.get("/console/people")
    links = [link_in(operator.post(f"/console/people/{person.name}/link").text) for _ in range(2)]
    assert len(set(links)) == 2
    console.users.set_password(person.name, "another password altogether", actor=ACTOR)
    assert [console.visitor().post("/console/link", {"token": each}).status for each in links] == [401, 401]
