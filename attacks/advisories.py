"""What pip-audit found, a line each: ``python -m attacks.advisories FOUND SAID [--strict]``, as ``scripts/audit`` calls it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Advisory", "Unasked", "main", "read"]


class Unasked(Exception):
    """Nothing was found out; the text says why."""


@dataclass(frozen=True)
class Advisory:
    """One known weakness of one package. ``mended`` are the versions without it."""

    package: str
    version: str
    id: str
    mended: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {self.id}, mended in {', '.join(self.mended) or 'no version yet'}"


def read(text: str) -> tuple[list[Advisory], list[str], int]:
    """The weaknesses, the packages that could not be looked up, and how many were. Raises `Unasked` for what is not pip-audit's JSON."""
    try:
        packages: Any = json.loads(text)["dependencies"]
        found = [
            Advisory(each["name"], each["version"], known["id"], tuple(known["fix_versions"]))
            for each in packages
            for known in each.get("vulns", ())
        ]
        skipped = [f"{each['name']}: {each['skip_reason']}" for each in packages if "skip_reason" in each]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unasked("pip-audit wrote nothing that can be read") from None
    if not packages or len(skipped) == len(packages):
        # A proxy that is there and answers "not found" to everything is not a service that was asked.
        raise Unasked(f"of {len(packages)} packages the service knows none")
    return found, skipped, len(packages) - len(skipped)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 1 only with ``--strict``, where something was found or nothing was found out."""
    written, said, *strict = arguments
    text = Path(written).read_text("utf-8")
    try:
        found, skipped, asked = read(text)
    except Unasked as error:
        last = Path(said).read_text("utf-8", "replace").strip().splitlines()[-1:] if not text else []
        print(f"audit: warning: the dependencies could not be looked up: {error}{f' ({last[0][:200]})' if last else ''}", file=sys.stderr)
        return int(bool(strict))
    for line in (*found, *(f"not looked up: {each}" for each in skipped)):
        print(f"audit: warning: {line}", file=sys.stderr)
    print(f"audit: {asked} packages looked up, {len(found)} known weaknesses")
    return int(bool(strict) and bool(found or skipped))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
