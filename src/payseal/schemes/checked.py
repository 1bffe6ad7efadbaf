"""Values out of a scheme's tables, each checked as it is taken: which keys there are, and what is wrong with one, said with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from payseal.errors import SchemeError
from payseal.schemes.template import Part, TemplateError, parse

__all__ = ["KEYS", "Table"]

#: Every key that a table can have; ``headers.*`` is a header that is a table itself.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": ("name", "title", "signature", "headers", "created", "nonce", "refusal"),
    "signature": ("base", "algorithm", "encoding", "accept", "key"),
    "created": ("format", "timezone", "tolerance", "future"),
    "nonce": ("format", "pattern"),
    "refusal": ("body", "types", "details"),
    "headers.*": ("template", "optional", "separator"),
}


class Table:
    """One table of a scheme file: hands out checked values and raises `SchemeError` with the file, the key and the remedy."""

    def __init__(self, file: str, at: str, data: object, kind: str | None = None) -> None:
        self.file, self.at = file, at
        if not isinstance(data, Mapping):
            raise self.error("", "must be a table", f"write it as [{at}]")
        self.data: Mapping[str, Any] = data
        allowed = KEYS.get(at if kind is None else kind)
        for key in data if allowed is not None else ():
            if key not in allowed:  # type: ignore[operator]
                import difflib  # here, because only a mistake needs it

                near = difflib.get_close_matches(str(key), allowed or (), 1)
                raise self.error(
                    str(key), "is not a key", f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(allowed or ())}"
                )

    def error(self, key: str, problem: str, remedy: str) -> SchemeError:
        where = ".".join(part for part in (self.at, key) if part)
        return SchemeError(problem, file=self.file, key=where, remedy=remedy)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if value is None:
            raise self.error(key, "is missing", f'add {key} = "…"')
        if not isinstance(value, str) or (not value and default != ""):
            raise self.error(key, "must be a string that is not empty", f'write {key} = "…"')
        return value

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        value, known = self.text(key, default), list(choices)
        if value not in known:
            raise self.error(key, f"{value[:40]!r} is not known", f"one of: {', '.join(known)}")
        return value

    def seconds(self, key: str, default: object = None, *, least: int = 1) -> int:
        """A duration in seconds, as milliseconds."""
        value = self.data.get(key, default)
        if value is None:
            raise self.error(key, "is missing", f"add {key} = 300 (seconds)")
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 86_400:
            raise self.error(key, f"must be a number of seconds from {least} to 86400", "the check of time cannot be turned off")
        return round(value * 1000)

    def template(self, key: str) -> tuple[Part, ...]:
        try:
            return parse(self.text(key))
        except TemplateError as error:
            raise self.error(key, str(error), "see docs/schemes.md for the components") from None
