"""What a user and a session are, and what may be a user's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from payseal.server.users.errors import UserError

__all__ = ["ROLES", "ListedSession", "Role", "Session", "User", "name_in", "parsed_name"]

Role: TypeAlias = Literal["operator", "merchant"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

_NAME: Final = re.compile(r"[a-z0-9._@-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the console. Times are seconds since the epoch."""

    id: int
    name: str
    #: An operator sees everything, a merchant its own account.
    role: Role
    #: A merchant's; ``None`` for an operator.
    account: str | None
    created: float
    #: Since when nobody is let in under this name; ``None`` while somebody is.
    disabled: float | None
    has_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A user who is signed in. Times are seconds since the epoch."""

    id: int
    user: User
    #: What a form must send back: 256 random bits, of this session alone.
    csrf: str = field(repr=False)
    created: float
    #: When it was last used, to the minute.
    seen: float
    #: When it ends if it is not used until then.
    expires: float


class ListedSession(NamedTuple):
    """A session as its user sees it in a list."""

    id: int
    created: float
    seen: float
    #: The address it was begun from.
    client: str | None
    #: What the browser called itself.
    agent: str


def name_in(text: str) -> str | None:
    """The name that a text is, in lower case; ``None`` when it cannot be one."""
    name = text.lower() if text.isascii() else ""
    return name if _NAME.fullmatch(name) else None


def parsed_name(text: str) -> str:
    """As `name_in`. Raises `UserError` instead, which does not repeat the text: it may be a password in the wrong place."""
    name = name_in(text)
    if name is None:
        raise UserError("a user's name is 1 to 64 letters, digits and . _ @ -, such as ada or ada@example.com")
    return name
