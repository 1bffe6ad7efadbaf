"""``payseal sandbox collections``: the sandbox's requests for Postman and for editors that send ``.http`` files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from payseal.cli.commands import Command
from payseal.cli.failures import note, wrong_use
from payseal.cli.sandbox_folder import folder_option
from payseal.cli.values import url_of
from payseal.server.sandbox.collections import demo_values, http_environment, http_file, postman_collection, postman_environment

__all__ = ["collections"]

_FORMATS = {"postman": (postman_collection, postman_environment), "http": (http_file, http_environment)}


@click.command(cls=Command)
@click.option(
    "--format", "format_", type=click.Choice(list(_FORMATS)), required=True, help="Postman's collection format 2.1, or an .http file."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A new file for it; else it goes to standard output.")
@click.option("--url", default="http://127.0.0.1:8700", show_default=True, help="Where the sandbox serves.")
@click.option(
    "--environment",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A new file for the demo account's keys, in the same program's format. It holds secrets: only you can read it.",
)
@folder_option
def collections(format_: str, output: Path | None, url: str, environment: Path | None, folder: Path) -> None:
    """Write the sandbox's requests as a file that Postman or an editor can send.

    Every request in it signs itself before it is sent, by a script made from the provider's scheme. No key is in it: --environment
    writes those of the demo account to a file of their own.

    \b
    payseal sandbox collections --format postman --output payseal.json --environment keys.json
    payseal sandbox collections --format http --output payseal.http \\
        --environment http-client.private.env.json
    """
    where = url_of(url)
    if where is None or where.target != "/":
        wrong_use("--url is where the sandbox serves, without a path: http://127.0.0.1:8700")
    for option, path in (("--output", output), ("--environment", environment)):
        if path is not None and path.exists():
            _there_already(option, path)
    requests_of, environment_of = _FORMATS[format_]
    text = requests_of(url.rstrip("/"))
    if environment is not None:
        _write_new(environment, environment_of(demo_values(folder / "keys.toml")), mode=0o600, option="--environment")
        note(f"{environment} holds the demo account's secrets: only you can read it; keep it out of what you share and commit")
    if output is not None:
        _write_new(output, text, mode=0o666, option="--output")
    else:
        click.echo(text, nl=False)


def _write_new(path: Path, text: str, *, mode: int, option: str) -> None:
    """Write a file that is not there yet; what the process may not grant to others (umask) is taken from ``mode``."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        _there_already(option, path)
    except OSError as error:
        wrong_use(f"{option}: {path} cannot be written: {error.strerror}")


def _there_already(option: str, path: Path) -> NoReturn:
    wrong_use(f"{option}: {path} is there already, and nothing is written over: choose another name, or delete it")
