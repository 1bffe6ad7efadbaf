"""A running sandbox with its console, and visitors that keep their cookies and send the forms they were given."""

from __future__ import annotations

import html
import http.client
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from payseal.server.accounts import AccountStore, CredentialStore, Database
from payseal.server.sandbox.serve import bind, serving
from payseal.server.users import LinkStore, User, UserStore
from payseal.server.vault import Vault
from tests.server.sandbox.conftest import Sandbox

ACTOR = "test:operator"
PASSWORD = "correct horse battery staple"
NUMBERS = itertools.count(1)


@dataclass
class Got:
    """A page."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"] or ""

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found is not None, "the page has no form of its own"
        return found[1]

    @property
    def words(self) -> str:
        """What can be read of the page."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())


@dataclass
class Visitor:
    """Somebody with a browser."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    #: The token of the last page that had a form.
    csrf: str = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> Got:
        given = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            got = Got(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        for value in got.headers.get_all("Set-Cookie", []):
            name, _, rest = value.partition("=")
            kept = rest.partition(";")[0].strip('"')
            if kept:
                self.cookies[name] = kept
            else:
                self.cookies.pop(name, None)
        if 'name="csrf" value="' in got.text:
            self.csrf = got.csrf
        return got

    def get(self, path: str, **headers: str) -> Got:
        return self.send("GET", path, **headers)

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Got:
        """Send a form, with the token of the last page unless ``form`` has another."""
        body = urlencode({"csrf": self.csrf, **(form or {})})
        given = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.origin, **headers}
        return self.send("POST", path, body, **given)

    def sign_in(self, name: str, password: str = PASSWORD, next: str = "") -> Got:
        self.get("/console/sign-in")
        return self.post("/console/sign-in", {"name": name, "password": password, "next": next})


@dataclass(frozen=True)
class Console(Sandbox):
    """The sandbox with its console, and what lies behind it."""

    database: Database

    @property
    def users(self) -> UserStore:
        return UserStore(self.database)

    @property
    def links(self) -> LinkStore:
        return LinkStore(self.database)

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.database)

    @property
    def credentials(self) -> CredentialStore:
        return CredentialStore(self.database, self.vault.ring)

    def visitor(self) -> Visitor:
        return Visitor(self.port)

    def person(self, role: str = "operator", account: str | None = None) -> User:
        """Somebody new, with `PASSWORD`."""
        name = f"person-{next(NUMBERS)}"
        self.users.create(name, "operator" if role == "operator" else "merchant", account, actor=ACTOR)
        self.users.set_password(name, PASSWORD, actor=ACTOR)
        return self.users.get(name)

    def signed_in(self, role: str = "operator", account: str | None = None) -> Visitor:
        visitor = self.visitor()
        assert visitor.sign_in(self.person(role, account).name).status == 303
        return visitor

    def account(self) -> str:
        """A new account."""
        return self.accounts.create(f"account-{next(NUMBERS)}", actor=ACTOR).id


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    vault = Vault.open(tmp_path_factory.mktemp("console") / "sandbox")
    listener = bind(0)
    with serving(vault, listener):
        database = Database.open(vault.accounts_url)
        yield Console(listener.getsockname()[1], vault, database)
        database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sandbox"
