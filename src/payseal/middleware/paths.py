"""Which paths are protected. In doubt, a path is: whoever guesses a second spelling must not walk around the check."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

__all__ = ["begins", "prefixes_of"]


def prefixes_of(only: str | Iterable[str]) -> tuple[str, ...]:
    """The prefixes as they were given. Raises `ValueError` when there are none, or one does not begin with a slash: nothing would be
    protected, and nobody would notice."""
    prefixes = (only,) if isinstance(only, str) else tuple(only)
    if not prefixes or not all(isinstance(prefix, str) and prefix.startswith("/") for prefix in prefixes):
        raise ValueError("only must be path prefixes that begin with '/', or a function; leave it out to protect everything")
    return prefixes


def begins(path: str, mount: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a decoded path begins with one of the prefixes: as it stands, with or without the mount point (ASGI's ``root_path``, WSGI's
    ``SCRIPT_NAME``), or with its empty and dot segments resolved, as some routers do. ``/pay/`` protects ``/pay`` too."""
    spellings = {path, path.removeprefix(mount), mount + path}
    spellings |= {"/" + posixpath.normpath(f"/{spelling}").lstrip("/") for spelling in spellings}
    return any(f"{spelling}/".startswith(prefixes) for spelling in spellings)
