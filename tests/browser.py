"""A real browser for tests, and a witness of what pages do in it: a page that complains or calls a stranger fails its test.

with chromium() as browser, visit(browser) as seen:
    seen.page.goto(...)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

__all__ = ["Sent", "Visit", "chromium", "visit"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
)
_HOME: Final = "127.0.0.1"


@dataclass(frozen=True)
class Sent:
    """A request that a page made."""

    method: str
    url: str
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass
class Visit:
    """One visitor's page, all that it sent, and all that went wrong."""

    page: Page
    sent: list[Sent] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def expect(self, complaint: str) -> None:
        """What the console will say (a part of it), once, and must."""
        self.expected.append(complaint)

    def allow(self, *complaints: str) -> None:
        """What the console may say (a part of it), however often."""
        self.allowed += complaints

    def posted(self, path: str) -> list[Sent]:
        return [each for each in self.sent if each.method == "POST" and each.path == path]

    def complained(self, complaint: str) -> None:
        if any(each in complaint for each in self.allowed):
            return
        found = next((each for each in self.expected if each in complaint), None)
        if found is None:
            self.wrong.append(complaint)
        else:
            self.expected.remove(found)


def _executable() -> str:
    named = os.environ.get("PAYSEAL_CHROMIUM")
    if named:
        assert os.access(named, os.X_OK), "PAYSEAL_CHROMIUM names no program"
        return named
    found = next((path for path in ("/usr/bin/chromium", *map(shutil.which, _NAMES)) if path and os.access(path, os.X_OK)), None)
    if found is None:
        pytest.skip("no Chromium was found: scripts/chromium installs it on Debian, or name one with PAYSEAL_CHROMIUM=/path/to/it")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium; the test is skipped where there is none. Keep it no longer than for one module: while it runs, Playwright
    holds an event loop in this thread."""
    path = _executable()
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium's own refuses to work for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *root])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Visit]:
    """A visitor without a history; ``options`` are those of Playwright's ``new_context``.

    Fails the test for what the console calls an error (a violated content security policy is one), for an uncaught exception, and
    for a request to another host, which is not let out.
    """
    context = browser.new_context(**options)
    try:
        context.set_default_timeout(20_000)
        seen = Visit(context.new_page())

        def told(message: ConsoleMessage) -> None:
            if message.type == "error":
                seen.complained(f"console: {message.text} ({message.location.get('url', '')})")

        def ask(route: Route) -> None:
            if urlsplit(route.request.url).hostname == _HOME:
                route.continue_()
            else:
                seen.wrong.append(f"a request to a stranger: {urlsplit(route.request.url).hostname}")
                route.abort()

        def requested(request: Request) -> None:
            seen.sent.append(Sent(request.method, request.url, request.all_headers(), request.post_data or ""))

        context.route("**/*", ask)
        context.on("console", told)
        context.on("weberror", lambda error: seen.complained(f"exception: {error.error}"))
        context.on("requestfinished", requested)
        context.on("requestfailed", requested)
        yield seen
        seen.page.wait_for_timeout(100)  # what was said last arrives after the page has changed
        assert seen.wrong == []
        assert seen.expected == [], "the console was expected to say so"
    finally:
        context.close()
