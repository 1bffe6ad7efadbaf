"""The command line. ``payseal --help`` says what there is; the rest of payseal needs none of it."""

from payseal.cli.entry import main

__all__ = ["main"]
