"""What a stranger can make payseal's servers and tools do to others: webhooks, pages, files, logs, and what reads a body."""

from __future__ import annotations

from attacks.outward import files as outward_files
from attacks.outward import pages as outward_pages
from attacks.outward import webhooks as outward_webhooks
from attacks.outward.markup import PAYLOADS
from attacks.outward.site import site
from attacks.rows import Row, Tally
from benchmarks.progress import Progress

__all__ = ["attack"]

_WEBHOOKS = "tests/ways_in/test_outward_webhooks.py"
_PAGES = "tests/ways_in/test_outward_pages.py"
_FILES = "tests/ways_in/test_outward_files.py"


def attack(quick: bool) -> list[Row]:
    """A row for each thing that must not be made to happen."""
    every = 10 if quick else 1
    payloads = PAYLOADS[::every]
    door = Tally("webhook URLs that lead to another machine, or are none", _WEBHOOKS)
    rebound = Tally("names that stand for another address when the webhook is sent", _WEBHOOKS)
    redirected = Tally("webhook receivers that redirect", _WEBHOOKS)
    endless = Tally("webhook receivers whose answer is slow, huge or without end", _WEBHOOKS)
    hosted = Tally("scripts in a payment page's address and headers", _PAGES)
    console = Tally("scripts in what the console shows of requests, accounts and addresses", _PAGES)
    elsewhere = Tally("redirects to another site", _PAGES)
    formulas = Tally("formulas in the audit trail as a spreadsheet", _PAGES)
    names = Tally("names of schemes that lead out of the catalogue", _FILES)
    paths = Tally("paths that lead out of what is served, and numbers without end", _FILES)
    terminals = Tally("escapes and line ends in what the command line shows", _FILES)
    logs = Tally("escapes and line ends in logs", _FILES)
    bodies = Tally("JSON bombs, odd numbers and packed bodies, signed", _FILES)
    with Progress("outward") as progress:
        progress.tell(0, 4, "webhooks on their way")
        outward_webhooks.rebound(rebound, outward_webhooks.REBOUND[:: 3 if quick else 1])
        outward_webhooks.redirected(redirected, outward_webhooks.REDIRECTS[:: 3 if quick else 1])
        outward_webhooks.answered_by(endless, tuple(outward_webhooks.ENDLESS)[:: 5 if quick else 1])
        progress.tell(1, 4, "names and terminals")
        outward_files.names(names, every=every)
        outward_files.terminals(terminals, outward_files.STEERING[::every])
        with site() as sandbox:
            progress.tell(2, 4, "pages")
            outward_webhooks.at_the_door(sandbox, door, outward_webhooks.URLS[::every])
            outward_pages.hosted_page(sandbox, hosted, payloads)
            outward_pages.console_pages(sandbox, console, payloads)
            outward_pages.redirects(sandbox, elsewhere, every=every)
            outward_pages.spreadsheet(sandbox, formulas)
            progress.tell(3, 4, "files, logs and bodies")
            outward_files.in_urls(sandbox, paths, every=every)
            outward_files.numbers_in_addresses(sandbox, paths)
            outward_files.lines(sandbox, logs, payloads)
            outward_files.bodies(sandbox, bodies, tuple(outward_files.BOMBS)[:: 5 if quick else 1])
    tallies = (door, rebound, redirected, endless, hosted, console, elsewhere, formulas, names, paths, terminals, logs, bodies)
    return [tally.row() for tally in tallies]
