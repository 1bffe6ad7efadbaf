"""From TOML text to one merged set of plain tables: the catalogue, ``extends``, overrides. Nothing is interpreted here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from payseal.errors import SchemeError

__all__ = ["Tables", "catalogue_names", "from_catalogue", "from_file", "from_text"]

# os.path, and difflib and tomllib where they are used: what signs a request need not load what looks for files and misspellings.
_CATALOGUE: Final = os.path.join(os.path.dirname(__file__), "catalogue")
_NAME: Final = r"[a-z0-9]+(-[a-z0-9]+)*"
_MAX_BYTES: Final = 65_536
_MAX_DEPTH: Final = 8
_MAX_NESTING: Final = 16
_MAX_DOTS: Final = 256


@dataclass(frozen=True, slots=True)
class Tables:
    """A scheme as plain data, and where it came from."""

    file: str
    data: dict[str, Any]

    def overridden(self, overrides: Mapping[str, Any]) -> Tables:
        """With some tables changed key by key."""
        if _nesting(overrides) > _MAX_NESTING:
            raise _nested(self.file)
        return Tables(self.file, _merged(self.data, overrides, self.file)) if overrides else self


def catalogue_names() -> list[str]:
    """The names of the schemes that come with payseal, sorted."""
    return sorted(file[: -len(".toml")] for file in os.listdir(_CATALOGUE) if file.endswith(".toml"))


def from_catalogue(name: str, *, _depth: int = 0) -> Tables:
    """A scheme that comes with payseal. Raises `SchemeError` when there is none of that name."""
    if not isinstance(name, str) or not re.fullmatch(_NAME, name) or name not in catalogue_names():
        import difflib

        near = difflib.get_close_matches(str(name)[:80], catalogue_names(), 1)
        raise SchemeError(
            f"there is no scheme {str(name)[:80]!r} in the catalogue",
            file="<catalogue>",
            remedy=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(catalogue_names())}",
        )
    return _read(os.path.join(_CATALOGUE, f"{name}.toml"), _depth, shown=f"{name}.toml")


def from_file(path: str | os.PathLike[str]) -> Tables:
    """A scheme file. Raises `SchemeError` when it cannot be read."""
    return _read(os.fsdecode(path), 0, shown=os.fsdecode(path))


def from_text(text: str, *, file: str = "<string>", folder: str | None = None, _depth: int = 0) -> Tables:
    """A scheme from TOML text. Raises `SchemeError`."""
    import tomllib

    try:
        if not isinstance(text, str):
            raise TypeError(f"text is wanted, not {type(text).__name__}")
        if len(text) > _MAX_BYTES:
            raise SchemeError(f"is longer than {_MAX_BYTES} characters", file=file, remedy="a scheme is about 20 lines")
        if any(line.count(".") > _MAX_DOTS for line in text.split("\n")):  # a key of n parts takes tomllib n² steps, and more
            raise _nested(file, f", or a line with more than {_MAX_DOTS} dots")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, TypeError) as error:
        # tomllib raises ValueErrors of its own for what a date or a number cannot be
        raise SchemeError(f"not TOML: {_short(error)}", file=file, remedy="correct the file at that place") from None
    except ValueError as error:
        raise SchemeError(f"not TOML: {_short(error)}", file=file, remedy="correct that value") from None
    if _nesting(data) > _MAX_NESTING:
        raise _nested(file)
    parent = data.pop("extends", None)
    if parent is None:
        return Tables(file, data)
    if not isinstance(parent, str):
        raise SchemeError("must be the name of a scheme", file=file, key="extends", remedy="write it as a string")
    if _depth >= _MAX_DEPTH:
        raise SchemeError(f"more than {_MAX_DEPTH} schemes extend one another", file=file, key="extends", remedy="look for a loop")
    if parent.endswith(".toml"):
        if folder is None:
            raise SchemeError("names a file, and this text is in no folder", file=file, key="extends", remedy="load it from its path")
        base = _read(os.path.join(folder, parent), _depth + 1, shown=parent)
    else:
        base = from_catalogue(parent, _depth=_depth + 1)
    # A variant has a name of its own, so that the ledger and the logs keep the two apart.
    if "name" not in data:
        raise SchemeError("a scheme that extends another needs a name of its own", file=file, key="name", remedy='add name = "…"')
    return Tables(file, _merged(base.data, data, file))


def _read(path: str, depth: int, *, shown: str) -> Tables:
    try:
        with open(path, "rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        raise SchemeError(
            f"cannot be read: {reason}", file=shown, remedy="give the path of a scheme file, or a name from the catalogue"
        ) from None
    if len(raw) > _MAX_BYTES:
        raise SchemeError(f"is larger than {_MAX_BYTES} bytes", file=shown, remedy="a scheme is about 20 lines")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SchemeError("is not UTF-8 text", file=shown, remedy="save it as UTF-8") from None
    return from_text(text, file=shown, folder=os.path.dirname(path), _depth=depth)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any], file: str, at: str = "") -> dict[str, Any]:
    """``base`` with ``change`` laid over it: tables key by key, everything else replaced, ``false`` taking a key away."""
    result = dict(base)
    if at == "headers":  # header names do not depend on case
        changed = {str(key).lower() for key in change}
        result = {old: kept for old, kept in result.items() if str(old).lower() not in changed}
    for key, value in change.items():
        existing = result.get(key)
        if isinstance(existing, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(existing, value, file, key)
        elif isinstance(existing, Mapping) and value is not False:
            raise SchemeError(
                "is a table", file=file, key=f"{at}.{key}" if at else str(key), remedy="give a table to change some of its keys"
            )
        elif value is False and at == "headers":
            continue
        elif value is False and isinstance(existing, Mapping):
            del result[key]
        else:
            result[key] = dict(value) if isinstance(value, Mapping) else value
    return result


def _nesting(data: object) -> int:
    """How deep tables and lists lie in one another. Without recursion: dotted keys nest as deep as a file is long."""
    depth, layer = 0, [data]
    while layer := [
        each for value in layer if isinstance(value, Mapping | list) for each in (value.values() if isinstance(value, Mapping) else value)
    ]:
        depth += 1
        if depth > _MAX_NESTING:
            break
    return depth


def _nested(file: str, otherwise: str = "") -> SchemeError:
    return SchemeError(
        f"tables nested more than {_MAX_NESTING} deep{otherwise}", file=file, remedy="a scheme's tables are two or three deep"
    )


def _short(error: BaseException) -> str:
    return str(error)[:160] or type(error).__name__
