"""Names stay in their folders, texts stay texts in logs and terminals, and no body breaks what reads it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks.outward.files import BOMBS, STEERING, bodies, in_urls, lines, names, numbers_in_addresses, terminals
from attacks.outward.site import site
from attacks.rows import Tally
from click.testing import CliRunner

from payseal.cli.group import payseal
from tests.server.console.conftest import Console


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Console]:
    with site() as running:
        yield running


def tally() -> Tally:
    return Tally("", "")


def held(tally: Tally) -> None:
    row = tally.row()
    assert row.through == 0, row.seen
    assert row.tried > 0


def test_no_name_leads_out_of_the_catalogue() -> None:
    counted = tally()
    names(counted)
    held(counted)


def test_no_address_leads_to_a_file(sandbox: Console) -> None:
    counted = tally()
    in_urls(sandbox, counted, every=17)
    held(counted)


def test_a_number_in_an_address_may_have_any_length(sandbox: Console) -> None:
    """An order's number of 5,000 digits was a failure of the server, and anybody could ask for it."""
    counted = tally()
    numbers_in_addresses(sandbox, counted)
    held(counted)


def test_what_requests_hold_stays_within_its_line_of_the_log(sandbox: Console) -> None:
    counted = tally()
    lines(sandbox, counted, ())
    held(counted)
    assert counted.row().tried > 50


@pytest.mark.parametrize("steering", STEERING[::6], ids=ascii)
def test_nothing_from_outside_steers_the_terminal(steering: str) -> None:
    counted = tally()
    terminals(counted, [steering])
    held(counted)


def test_a_scheme_file_from_a_stranger_does_not_steer_the_terminal_by_what_it_extends(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("scheme") / "derived.toml"
    file.write_text('extends = "./\\u001b[2J.toml"\nname = "derived"', "utf-8")
    result = CliRunner().invoke(payseal, ["schemes", "show", str(file)])
    assert result.exit_code == 2
    assert "\\u001b[2J.toml: cannot be read" in result.output
    assert "\x1b" not in result.output


def test_no_body_breaks_what_reads_it(sandbox: Console) -> None:
    counted = tally()
    bodies(sandbox, counted, tuple(BOMBS)[::3])
    held(counted)
