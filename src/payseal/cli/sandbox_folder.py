"""Which sandbox a command means: the folder that it keeps its things in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["folder_option"]


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--folder``."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("payseal-sandbox"),
        show_default=True,
        help="Where its keys and its database are kept.",
    )(command)
