"""Passwords: which are taken, how they are kept (Argon2id, RFC 9106), and that a check costs the same whoever it is for."""

from __future__ import annotations

import logging
import secrets
import threading
import unicodedata
from base64 import b64encode
from typing import Final

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

from payseal.server.users.errors import UserError

__all__ = ["check", "hashed", "matches", "outdated"]

_logger: Final = logging.getLogger("payseal")

SHORTEST: Final = 12
LONGEST: Final = 1024

#: OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Hashes made with others are made anew at the next sign-in.
PARAMETERS: Final = Parameters(
    type=Type.ID, version=ARGON2_VERSION, salt_len=16, hash_len=32, time_cost=2, memory_cost=19_456, parallelism=1
)
HASHER = PasswordHasher.from_parameters(PARAMETERS)

#: Each computation takes 19 MiB and a core: however many sign in at once, no more than two are under way in a process.
_TURNS: Final = threading.BoundedSemaphore(2)


def _nobodys() -> str:
    """A hash of nothing: random where the result of a computation would be, so that no password is known that matches it."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (PARAMETERS.salt_len, PARAMETERS.hash_len))
    cost = f"m={PARAMETERS.memory_cost},t={PARAMETERS.time_cost},p={PARAMETERS.parallelism}"
    return f"$argon2id$v={PARAMETERS.version}${cost}${salt}${digest}"


_NOBODYS: Final = _nobodys()


def check(password: str, name: str) -> None:
    """Raises `UserError` for a password that the user of that name may not have.

    Length is all that is asked, and that it is not the name: rules about which characters it has make passwords worse (NIST SP 800-63B).
    """
    if len(password) > LONGEST:
        raise UserError(f"a password is {LONGEST} characters at most: choose a shorter one")
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise UserError(f"a password is {SHORTEST} characters or more: several words in a row are good")
    if normal.casefold() == name:
        raise UserError("a password is not the user's own name: choose another")
    if any("\ud800" <= each <= "\udfff" for each in normal):
        raise UserError("that password is not Unicode text: type it again")


def hashed(password: str) -> str:
    """What is kept of a password: parameters, salt and hash in one text."""
    with _TURNS:
        return HASHER.hash(_normal(password).encode())


def matches(kept: str | None, password: str) -> bool:
    """Whether that is the password of which ``kept`` is kept. Where nothing is, the answer is no, at the same cost."""
    fits = len(password) <= LONGEST
    candidate = _normal(password[:LONGEST]).encode("utf-8", "surrogatepass")
    with _TURNS:
        try:
            HASHER.verify(_NOBODYS if kept is None else kept, candidate)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            _logger.error("a password could not be checked, and is refused: %s", type(error).__name__)
            return False
    return fits and kept is not None


def outdated(kept: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    # The same characters come differently composed from different keyboards.
    return unicodedata.normalize("NFKC", password)
