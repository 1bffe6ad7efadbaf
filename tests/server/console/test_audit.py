"""The audit trail: in pages, of one account, and as a file that a spreadsheet and a program read; nothing secret in any of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest

from payseal.server.accounts import AuditEntry, audit

from .conftest import ACTOR, Console, Visitor

FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.signed_in()


def written(console: Console, count: int, **values: str) -> None:
    """Lines in the trail."""
    with console.database.write() as connection:
        for number in range(count):
            audit.write(connection, at=1_790_000_000.25 + number, **{"actor": ACTOR, "action": "test.line", **values}, number=number)


def entries(console: Console, account: str | None = None) -> list[AuditEntry]:
    return list(console.accounts.audit(account=account, limit=1000))


def rows(page: str) -> int:
    return page.count('<tr>\n<td><time datetime="')


def pages(visitor: Visitor, first: str) -> Iterator[str]:
    """Each page of the trail, as one goes from it to the next."""
    path: str | None = first
    while path:
        page = visitor.get(path).text
        yield page
        older = re.search(r'href="([^"]+)">Older<', page)
        path = older[1].replace("&amp;", "&") if older else None


def test_the_trail_is_read_in_pages_of_one_account_and_of_all(console: Console, operator: Visitor) -> None:
    account, other = console.account(), console.account()
    written(console, 249, account=account)
    own = list(pages(operator, f"/console/audit?account={account}"))
    assert [rows(page) for page in own] == [100, 100, 50]
    assert "account.create" in own[2]
    assert other not in "".join(re.sub(r"<option.*?</option>", "", page) for page in own)
    numbers = [int(number) for page in own for number in re.findall(r"number</span> (\d+)", page)]
    assert numbers == [*range(248, -1, -1)]
    everything = list(pages(operator, "/console/audit"))
    assert sum(rows(page) for page in everything) == len(entries(console))
    assert rows(operator.get("/console/audit?account=nobody").text) == 0
    assert rows(operator.get("/console/audit?account=%00%27%20or%201=1").text) == 0
    for before in ("0", "-1", "x", "9" * 30, "1e3", "%C2%B2", "%00"):
        assert operator.get(f"/console/audit?before={before}").status == 200


def test_a_line_says_who_did_what(console: Console) -> None:
    person, visitor = console.person(), console.visitor()
    visitor.sign_in(person.name)
    account = console.account()
    visitor.get(f"/console/accounts/{account}")
    visitor.post(f"/console/accounts/{account}/networks/add", {"cidr": "192.0.2.7"})
    words = visitor.get(f"/console/audit?account={account}").words
    assert f"console:{person.name} account.allow-ip {account}" in words
    assert "cidr 192.0.2.7/32" in words


def test_the_file_for_spreadsheets_is_whole_quoted_and_harmless(console: Console, operator: Visitor) -> None:
    account = console.account()
    hostile = [FORMULA, "+1+1", "-2", "@SUM(A1)", 'he said "no", and left', "<script>alert(1)</script>"]
    for actor in hostile:
        written(console, 1, account=account, actor=actor)
    got = operator.get(f"/console/audit.csv?account={account}")
    assert got.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert got.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert got.text.endswith("\r\n")
    assert "\n" not in got.text.replace("\r\n", "")
    heading, *lines = csv.reader(io.StringIO(got.text, newline=""), strict=True)
    assert heading == ["id", "at", "actor", "action", "account", "keyid", "detail"]
    assert [line[2].removeprefix("'") for line in lines] == [*reversed(hostile), ACTOR]
    for line in lines:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)
    assert [int(line[0]) for line in lines] == [each.id for each in entries(console, account)]
    assert lines[0][1] == "1790000000.250"
    assert json.loads(lines[0][6]) == {"number": 0}


def test_the_file_for_programs_has_an_object_a_line(console: Console, operator: Visitor) -> None:
    account = console.account()
    written(console, 1, account=account, actor="ü ö 日本", keyid="key")
    got = operator.get(f"/console/audit.jsonl?account={account}")
    assert got.headers["Content-Type"] == "application/jsonl"
    assert got.headers["Content-Disposition"] == 'attachment; filename="audit.jsonl"'
    lines = [json.loads(line) for line in got.text.split("\n")[:-1]]
    found = entries(console, account)
    assert [line["id"] for line in lines] == [each.id for each in found]
    assert lines[0] == {
        "id": found[0].id, "at": 1_790_000_000.25, "actor": "ü ö 日本", "action": "test.line", "account": account, "keyid": "key",
        "detail": {"number": 0},
    }  # fmt: skip


def test_a_file_holds_every_line_however_many_there_are(console: Console, operator: Visitor) -> None:
    account = console.account()
    written(console, 2500, account=account)
    assert operator.get(f"/console/audit.jsonl?account={account}").text.count("\n") == 2501
    got = operator.get(f"/console/audit.csv?account={account}")
    assert got.headers["Content-Length"] is None  # it is sent as it is read
    numbers = [int(line.rpartition(": ")[2].rstrip('}"')) for line in got.text.split("\r\n")[1:-2]]
    assert numbers == [*range(2499, -1, -1)]
    assert operator.send("HEAD", f"/console/audit.csv?account={account}").text == ""


def test_nothing_secret_is_in_the_trail(console: Console, operator: Visitor) -> None:
    secrets = re.findall(r'(?:secret|token) = "(.+)"', console.vault.keys_file.read_text())
    assert len(secrets) == 4
    text = "".join(operator.get(f"/console/audit{ending}").text for ending in ("", ".csv", ".jsonl"))
    for secret in (*secrets, operator.cookies["payseal"], operator.csrf, "correct horse battery staple", "argon2"):
        assert secret not in re.sub(r'name="csrf" value="[^"]*"|X-CSRF-Token": "[^"]*"', "", text)
