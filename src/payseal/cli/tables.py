"""Tables for people, and ``--json`` for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import click

from payseal.cli.terminal import draw, shown

__all__ = ["json_option", "table_of"]


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--json``, as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON; times are seconds since the epoch.")(command)


def table_of(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table. What is in it may come from outside."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    draw(table)
