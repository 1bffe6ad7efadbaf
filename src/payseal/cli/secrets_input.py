"""Where secrets come from: a file, a credentials file, the environment, a prompt. Never an argument.

Each part of a credential (keyid, secret, token) is looked for in that order: option, credentials file, environment, prompt. What is
found is used as it is; only the newline that an editor puts at the end of a file is taken off. No message holds a value, nor a path:
whoever mistakes ``--secret-file`` for the secret itself must not find it in a log.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import click

from payseal.cli.failures import note, wrong_use
from payseal.credentials import Credential
from payseal.schemes import Scheme

__all__ = ["CredentialSource", "credential_options", "line_of", "refuse_secret_arguments", "someone_is_there", "variable"]

_MAX_BYTES: Final = 65_536
_WAYS: Final = {
    "keyid": "give --keyid, set PAYSEAL_KEYID, or give --credentials",
    "secret": "set PAYSEAL_SECRET, or give --secret-file or --credentials",
    "token": "set PAYSEAL_TOKEN, or give --token-file or --credentials",
}
_BLANKS: Final = (b" ", b"\t", b"\xc2\xa0")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """What the command line says of where the credential is. ``credential`` fetches it."""

    keyid: str | None = None
    secret_file: str | None = None
    token_file: str | None = None
    credentials: str | None = None
    name: str | None = None

    def credential(self, scheme: Scheme, *, signing: bool) -> Credential:
        """The credential for that scheme. Raises `Stop`, or `CredentialError` for parts that cannot be what they should be."""
        found = _Parts(keyid=self.keyid)
        if self.secret_file is not None:
            found.secret = [line_of("--secret-file", self.secret_file)]
        if self.token_file is not None:
            found.token = line_of("--token-file", self.token_file)
        if self.credentials is not None:
            found.join(_named(_tables(self.credentials), self.name))
        elif self.name is not None:
            wrong_use("--credential chooses from the file that --credentials names: give both")
        found.fill_from_environment()
        for part in _needed(scheme, signing=signing):
            if not getattr(found, part):
                found.ask(part, scheme)
        return Credential(found.keyid, found.secret, None if found.token is None else found.token.decode("latin-1"))


@dataclass(slots=True)
class _Parts:
    keyid: str | None = None
    secret: list[bytes] = field(default_factory=list, repr=False)
    token: bytes | None = field(default=None, repr=False)

    def join(self, other: _Parts) -> None:
        for part in _WAYS:
            if not getattr(self, part):
                setattr(self, part, getattr(other, part))
            elif getattr(other, part):
                wrong_use(f"the {part} is in the credentials file and given by an option too: leave one of them out")

    def fill_from_environment(self) -> None:
        if not self.keyid:
            self.keyid = os.environ.get("PAYSEAL_KEYID") or None
        if not self.secret and (secret := variable("PAYSEAL_SECRET")):
            self.secret = [secret]
        if not self.token:
            self.token = variable("PAYSEAL_TOKEN")

    def ask(self, part: str, scheme: Scheme) -> None:
        if part == "keyid" or not someone_is_there():
            wrong_use(f"{scheme.name} needs a {part} and there is none: {_WAYS[part]}")
        typed = click.prompt(f"{part} for {scheme.name}", hide_input=True, err=True).encode("utf-8", "surrogateescape")
        if part == "secret":
            self.secret = [typed]
        else:
            self.token = typed


def _needed(scheme: Scheme, *, signing: bool) -> list[str]:
    """Which parts a credential must have. A verifier can do without a token that is not the key."""
    sent = {part.name for rule in scheme.headers if not rule.optional for part in rule.components}
    needed = {"keyid"} & sent | ({"token"} & sent if signing else set())
    needed |= {scheme.signature.key} - {"none"}
    return [part for part in _WAYS if part in needed]


def someone_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def variable(name: str) -> bytes | None:
    value = os.fsencode(os.environ.get(name, ""))
    return _checked(name, value) if value else None


def line_of(option: str, path: str) -> bytes:
    """The one line in a file, without its line end."""
    content = _content(option, path)
    for end in (b"\r\n", b"\n"):
        if content.endswith(end):
            content = content[: -len(end)]
            break
    if not content:
        wrong_use(f"the file of {option} is empty")
    return _checked(f"the file of {option}", content)


def _checked(where: str, value: bytes) -> bytes:
    if b"\n" in value or b"\r" in value:
        wrong_use(f"{where} holds more than one line: a secret is one line")
    if value.startswith((*_BLANKS, _BYTE_ORDER_MARK)) or value.endswith(_BLANKS):
        note(f"warning: {where} begins or ends with a blank or a byte-order mark, which is used as a part of it")
    return value


def _content(option: str, path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            content = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        wrong_use(f"{option} takes the path of a file, and that file cannot be read: {reason}")
    if len(content) > _MAX_BYTES:
        wrong_use(f"the file of {option} is larger than {_MAX_BYTES} bytes")
    # A pipe or a device has no readers but this one; Windows has no such bits.
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        note(f"warning: the file of {option} can be read by other users of this machine: chmod 600 takes that away")
    return content


def _tables(path: str) -> dict[str, Any]:
    content = _content("--credentials", path)
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        wrong_use("the file of --credentials is not UTF-8 text")
    except (ValueError, RecursionError) as error:
        # Only the place: the parser's own words may quote the file.
        place = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        wrong_use(f"the file of --credentials is not TOML{f' ({place[0]})' if place else ''}: a text value stands in quotation marks")


def _named(tables: dict[str, Any], name: str | None) -> _Parts:
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        wrong_use("the file of --credentials must hold one table for each credential: [name], and below it keyid, secret, token")
    if name is None and len(tables) > 1:
        wrong_use(f"the file of --credentials holds {len(tables)} credentials: choose with --credential {'|'.join(tables)}")
    if name is not None and name not in tables:
        wrong_use(f"--credential names none of those in the file: {', '.join(tables)}")
    table = tables[name] if name is not None else next(iter(tables.values()))
    where = f"[{name or next(iter(tables))}] in the file of --credentials"
    if unknown := [key for key in table if key not in _WAYS]:
        wrong_use(f"{where} has a key that is not known: {unknown[0][:40]!r}; there are {', '.join(_WAYS)}")
    keyid, secret, token = (table.get(part) for part in _WAYS)
    listed = secret if isinstance(secret, list) else [] if secret is None else [secret]
    if not all(isinstance(each, str) and each for each in listed) or any(not isinstance(each, str | None) for each in (keyid, token)):
        wrong_use(f"{where}: keyid and token are text; secret is text, or a list of texts from oldest to newest; none is empty")
    return _Parts(
        keyid or None,
        [_checked(f"a secret of {where}", each.encode("utf-8")) for each in listed],
        _checked(f"the token of {where}", token.encode("utf-8")) if token else None,
    )


# --- options -----------------------------------------------------------------------------------------------------------------


def credential_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that name a credential; the command is given them as ``source``, a `CredentialSource`."""

    @refuse_secret_arguments
    @click.option("--keyid", metavar="ID", help="The credential's public name. Else PAYSEAL_KEYID.")
    @click.option("--secret-file", metavar="PATH", help="A file that holds the secret as its only line. Else PAYSEAL_SECRET.")
    @click.option("--token-file", metavar="PATH", help="A file that holds the access token as its only line. Else PAYSEAL_TOKEN.")
    @click.option("--credentials", metavar="FILE", help="A TOML file with a table for each credential: [name] keyid, secret, token.")
    @click.option("--credential", "name", metavar="NAME", help="Which one of that file; not needed when there is only one.")
    @functools.wraps(command)
    def with_source(
        *, keyid: str | None, secret_file: str | None, token_file: str | None, credentials: str | None, name: str | None, **rest: Any
    ) -> None:
        command(source=CredentialSource(keyid, secret_file, token_file, credentials, name), **rest)

    return with_source


def refuse_secret_arguments(command: _Decorated) -> _Decorated:
    """Takes ``--secret`` and ``--token`` in order to say why they are not taken. Before anything else can quote the value."""

    def refuse(ctx: click.Context, param: click.Parameter, value: object) -> None:
        if value is not None:
            word = param.opts[0].lstrip("-")
            wrong_use(
                f"--{word} is not taken: an argument can be read by every user of this machine and stays in the shell's history; "
                f"set PAYSEAL_{word.upper()}, or give --{word}-file (and change this {word}: it is in the history now)"
            )

    for name in ("--secret", "--token"):
        command = click.option(name, is_flag=False, flag_value="", hidden=True, is_eager=True, expose_value=False, callback=refuse)(command)
    return command
