"""What others wrote is text on every page. See also tests/server/console/test_hostile.py and tests/server/sandbox/test_hosted.py."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from attacks.outward.markup import MARK, PAYLOADS, injected
from attacks.outward.pages import console_pages, hosted_page, leave_traces, pages_with_traces, redirects, spreadsheet
from attacks.outward.site import site
from attacks.rows import Tally

from tests.browser import chromium, visit
from tests.server.console.conftest import Console

#: An element, a way out of a script, one out of an attribute, and an address.
SOME = (PAYLOADS[0], PAYLOADS[2], PAYLOADS[10], PAYLOADS[15])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Console]:
    with site() as running:
        yield running


def test_the_payment_page(sandbox: Console) -> None:
    tally = Tally("hosted", "")
    hosted_page(sandbox, tally, PAYLOADS[::2])
    assert tally.row().through == 0, tally.row().seen


def test_the_console(sandbox: Console) -> None:
    tally = Tally("console", "")
    console_pages(sandbox, tally, SOME)
    row = tally.row()
    assert row.through == 0, row.seen
    operator = sandbox.signed_in()
    pages = [operator.get(page).text for page in pages_with_traces(sandbox, operator, SOME)]
    assert sum(f"&lt;{MARK}" in page for page in pages) > 10  # they are shown: as text
    assert any("&lt;script&gt;" in page for page in pages)


def test_nobody_is_sent_to_another_site(sandbox: Console) -> None:
    tally = Tally("redirects", "")
    redirects(sandbox, tally, every=3)
    row = tally.row()
    assert row.through == 0, row.seen
    assert row.seen["redirected within the console"] > 5


def test_the_audit_trail_s_file_has_no_formula(sandbox: Console) -> None:
    tally = Tally("formulas", "")
    spreadsheet(sandbox, tally)
    assert tally.row().through == 0, tally.row().seen


def test_in_a_browser_nothing_runs(sandbox: Console) -> None:
    """What a parser of ours could have overlooked. A policy that had to stop something would complain, and fail the test."""
    leave_traces(sandbox, SOME)
    operator = sandbox.signed_in()
    requests = [page for page in pages_with_traces(sandbox, operator, ()) if page.startswith(("/console/requests/", "/explanations/"))]
    home = f"http://127.0.0.1:{sandbox.port}"
    with chromium() as browser, visit(browser) as seen:
        seen.allow("401", "404", "400")
        seen.page.context.add_cookies([{"name": "payseal", "value": operator.cookies["payseal"], "url": home}])
        asked = [f"/pay?amount={quote(SOME[1])}", f"/console/sign-in?next={quote(SOME[3])}", f"/console/{quote(SOME[0])}"]
        for page in ("/console/requests", "/console/accounts", *requests[:2], *requests[-2:], *asked):
            seen.page.goto(home + page, wait_until="domcontentloaded")
            assert seen.page.evaluate(f"window.{MARK}") is None, page
            assert seen.page.locator(MARK).count() == 0, page


@pytest.mark.parametrize(
    "page",
    [
        f"<{MARK}>",
        "<p onclick=x>",
        "<a href='javascript:x'>",
        "<a href=' java\tscript:x'>",
        f"<p {MARK}=1>",
        f"<script>{MARK}</script>",
        f"<base href=//{MARK}.invalid>",
        f"<!--{MARK}-->",
        f"<p style='a:{MARK}'>",
    ],
)
def test_the_reader_of_pages_finds_what_got_in(page: str) -> None:
    assert injected(f"<html><body>{page}</body></html>")
    assert injected(f"<p>&lt;{MARK}&gt; onclick= javascript:</p><script type='application/json'>{MARK}</script>") == []
