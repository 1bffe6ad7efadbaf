"""The pages for people: whole, safe to show whatever a model says, and usable without script, colour or mouse."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Annotated, Any

import pytest
from fastapi import Path
from pydantic import Field

from payseal import Credential, Verifier, scheme
from payseal.server.sandbox.provider import Failure, Model, Mount, provider_app
from payseal.server.sandbox.reference.library import Library

from .conftest import Reply, Sandbox

PROVIDERS = ("fiserv", "commercehub", "startbutton")
PAGES = ("/", *(f"/reference/{provider}" for provider in PROVIDERS))
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
#: What browsers send.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
#: Elements that are never closed.
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page's elements in order, and its text; what is opened and not closed in order is a mistake."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def get(sandbox: Sandbox, path: str) -> Reply:
    answer = sandbox.send("GET", path, {"Accept": BROWSER})
    assert answer.status == 200
    return answer


@pytest.fixture(params=PAGES)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(sandbox: Sandbox, path: str) -> Page:
    return Page(get(sandbox, path).raw.decode())


def test_it_is_sent_with_a_strict_policy(sandbox: Sandbox, path: str) -> None:
    answer = get(sandbox, path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(page: Page) -> None:
    assert not page.all("script", "style", "iframe", "object", "embed", "base", "form", "img")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action", "srcset"):
            assert re.match(r"#|/(?!/)", attributes.get(name) or "/"), attributes


def test_what_it_links_to_is_there(sandbox: Sandbox, page: Page, path: str) -> None:
    anchors: dict[str, set[str]] = {}
    for link in {each["href"] or "" for each in page.all("a", "link")}:
        where, _, anchor = link.partition("#")
        anchors.setdefault(where or path, set()).update([anchor] if anchor else [])
    assert ("/console" in anchors) == (path == "/")
    if anchors.pop("/console", None) is not None:
        assert sandbox.send("GET", "/console", {}).headers["Location"].startswith("/console/sign-in")
    for where, wanted in anchors.items():
        answer = get(sandbox, where.replace("&amp;", "&"))
        assert not wanted or wanted <= {attributes.get("id") for _, attributes in Page(answer.raw.decode()).elements}


def test_it_is_a_page_for_everyone(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert "width=device-width" in (page.all("meta")[1]["content"] or "")
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("h1")) == 1
    assert all(each.get("aria-label") or each.get("aria-labelledby") for each in page.all("nav", "section"))
    first_link = page.all("a")[0]
    assert (first_link["class"], first_link["href"], page.all("main")[0]["id"]) == ("skip", "#content", "content")
    counts = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [each for each, count in counts.items() if count > 1] == []
    labelled = {each["aria-labelledby"] for each in page.all("nav", "section") if each.get("aria-labelledby")}
    assert labelled <= counts.keys()
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    after_the_contents = levels[levels.index(1) :]
    assert all(later <= earlier + 1 for earlier, later in pairwise(after_the_contents))
    assert all(each.get("scope") in ("col", "row") for each in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    # What scrolls can be reached by keyboard, and says what it is.
    for each in (*page.all("div"), *page.all("pre")):
        if "scrolls" in (each.get("class") or "") or each.get("role") == "group":
            assert (each["tabindex"], each["role"]) == ("0", "group")
            assert each["aria-label"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_operation_is_on_its_page_and_on_the_first(sandbox: Sandbox, provider: str) -> None:
    found = sandbox.send("GET", f"/openapi/{provider}.json", {}).json
    text, first = (Page(get(sandbox, where).raw.decode()).text for where in (f"/reference/{provider}", "/"))
    for route, item in found["paths"].items():
        for method, operation in item.items():
            assert f"{method.upper()} {route}" in text
            assert operation["summary"] in text
            assert f"{method.upper()} {route} {operation['summary']}" in first
            assert all(status in text and said["description"] in text for status, said in operation["responses"].items())
            assert all(other in text for other in operation["x-payseal-also-at"])
    for schema in found["components"]["schemas"].values():
        assert all(name in text for name in schema.get("properties", {}))


def test_fields_are_flat_and_say_their_limits(sandbox: Sandbox) -> None:
    text = Page(get(sandbox, "/reference/fiserv").raw.decode()).text
    assert re.search(r"paymentMethod\.paymentCard\.expiryDate\.month string yes matches \^\(0\[1-9\]\|1\[0-2\]\)\$", text)
    assert re.search(r"transactionAmount\.currency string yes .{0,40}One of AED, AUD", text)


def test_the_start_page_is_json_for_programs(sandbox: Sandbox) -> None:
    for accept in ("", "*/*", "application/json", "text/html;q=0", "application/json, text/html;q=0.5", "text/html;q=x", "text/plain"):
        answer = sandbox.send("GET", "/", {"Accept": accept} if accept else {})
        assert (answer.status, answer.headers["Content-Type"], answer.headers["Vary"]) == (200, "application/json", "Accept"), accept
    index = answer.json
    assert index["payseal"] == "sandbox"
    assert "POST /gateway/v2/payments" in index["fiserv-payments"]
    assert "POST /ipp/payments-gateway/v2/payments" in index["fiserv-payments"]
    assert "POST /transaction/transfer" in index["startbutton-transfer"]
    assert "POST /payments/v1/charges" in index["commercehub-hmac"]
    assert index["commercehub-digest"] == ["POST /payments-vas/v1/card-capture"]
    assert index["openapi"] == {provider: f"/openapi/{provider}.json" for provider in PROVIDERS}
    for accept in (BROWSER, "text/html", "TEXT/HTML; q=0.2", "text/html;q=0.9, application/json;q=0.9"):
        assert sandbox.send("GET", "/", {"Accept": accept}).headers["Content-Type"] == "text/html; charset=utf-8", accept


@pytest.mark.parametrize(
    ("asset", "media_type"),
    [("base.css", "text/css; charset=utf-8"), ("reference.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml")],
)
def test_a_style_sheet_is_sent_once(sandbox: Sandbox, asset: str, media_type: str) -> None:
    first = sandbox.send("GET", f"/static/{asset}", {})
    assert (first.status, first.headers["Content-Type"], first.headers["Cache-Control"]) == (200, media_type, "no-cache")
    again = sandbox.send("GET", f"/static/{asset}", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert sandbox.send("GET", f"/static/{asset}", {"If-None-Match": '"another"'}).raw == first.raw


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> `</code><b>` {{ 7 * 7 }} &amp;"


class Inner(Model):
    """<i>inner</i>"""

    text: Annotated[str, Field(description=HOSTILE, pattern='^"<u>$', examples=[HOSTILE])]


class Outer(Model):
    """An object with others in it."""

    inner: list[Inner]


def hostile() -> list[Mount]:
    """A provider whose every word would be markup."""

    def shape(failure: Failure, request: Any) -> dict[str, Any]:
        return {"<em>": HOSTILE}

    app = provider_app(HOSTILE, shape)
    app.description = HOSTILE

    @app.post("/x/{thing}", summary=HOSTILE, description=HOSTILE, responses={404: {"model": Inner, "description": HOSTILE}})
    def handle(thing: Annotated[str, Path(description=HOSTILE)], body: Outer) -> Outer:
        return body

    verifier = Verifier(scheme("fiserv-payments", title=HOSTILE), Credential("key", secret="s" * 32))
    return [Mount("hostile", "/x", app, verifier, idempotent=True)]


def test_what_is_shown_is_text_and_never_markup() -> None:
    library = Library(hostile())
    for text in (library.page("hostile"), library.start):
        page = Page(text)
        assert not page.all("script", "img", "b", "i", "u", "em")
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7 * 7 }}" in page.text
        assert "49" not in page.text
        assert not [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)]
    names = {name for _, attributes in Page(library.page("hostile")).elements for name in attributes}
    assert names <= {
        "lang", "charset", "name", "content", "rel", "href", "type", "class", "id", "tabindex", "role", "scope", "open",
        "aria-label", "aria-labelledby", "aria-current",
    }  # fmt: skip
    assert "inner[].text" in Page(library.page("hostile")).text
