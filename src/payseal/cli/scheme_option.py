"""``--scheme NAME_OR_PATH`` and ``--set created.format=unix``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from typing import Any

import click

import payseal
from payseal.cli.failures import wrong_use
from payseal.schemes import Scheme

__all__ = ["load", "overrides", "scheme_options", "set_option"]


def load(name_or_path: str, settings: tuple[str, ...]) -> Scheme:
    """The scheme of that name in the catalogue, or in that ``.toml`` file, with the settings laid over it. Raises `SchemeError`."""
    changes = overrides(settings)
    if name_or_path.endswith(".toml") or "/" in name_or_path or "\\" in name_or_path:
        return Scheme.load(name_or_path, **changes)
    return payseal.scheme(name_or_path, **changes)


def overrides(settings: tuple[str, ...]) -> dict[str, Any]:
    """Tables from ``key.of.a.table=value`` texts. The value is TOML (``300``, ``["hex"]``, ``true``), or else text as it stands."""
    result: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        _lay_over(result, _table(key, _value(value)) if equals else {}, setting if equals else "")
    return result


def _table(key: str, value: object) -> dict[str, Any]:
    """``a.b`` and a value as ``{"a": {"b": value}}``. The key is a TOML key, so that a part with a dot in it can be quoted."""
    try:
        table = tomllib.loads(f"{key} = 0")
    except ValueError:
        table = {}
    inner = table
    while len(inner) == 1:
        (word, below), *_ = inner.items()
        if below == 0:
            inner[word] = value
            return table
        inner = below
    return {}


def _value(text: str) -> object:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _lay_over(result: dict[str, Any], change: dict[str, Any], setting: str) -> None:
    if not change:
        wrong_use("--set takes a key of the scheme file and a value, such as --set created.format=unix")
    for word, value in change.items():
        if isinstance(value, dict) and isinstance(result.get(word), dict):
            _lay_over(result[word], value, setting)
        elif isinstance(value, dict) != isinstance(result.get(word, value), dict):
            wrong_use(f"--set {word}: both a value and a table of values are given")
        else:
            result[word] = value


def set_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--set``, as ``settings``."""
    return click.option(
        "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change a key of the scheme: created.format=unix. Repeatable."
    )(command)


def scheme_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--scheme`` and ``--set``; the command is given the `Scheme` as ``scheme``."""

    @click.option(
        "--scheme",
        "name_or_path",
        metavar="NAME|PATH",
        required=True,
        help="A name from the catalogue (see payseal schemes list), or the path of a .toml file.",
    )
    @set_option
    @functools.wraps(command)
    def with_scheme(*, name_or_path: str, settings: tuple[str, ...], **rest: Any) -> None:
        command(scheme=load(name_or_path, settings), **rest)

    return with_scheme
