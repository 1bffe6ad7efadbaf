"""The console's sign-in, tried by somebody who wants to know which names there are."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from attacks.timing.clocks import Maker, Work

from payseal.server.accounts import Database
from payseal.server.users import Throttle, UserStore

__all__ = ["REFERENCE", "guesses"]

REFERENCE: Final = "a wrong password"
_ACTOR: Final = "attack:setup"
_NAMES: Final = {REFERENCE: "ada", "a user who is disabled": "bob", "a user without a password": "eve", "a name that nobody has": None}


@contextmanager
def guesses() -> Iterator[dict[str, Maker]]:
    """For each kind of user, one guess at a password: the throttle asked, the password checked, the failure counted."""
    folder = Path(tempfile.mkdtemp(prefix="payseal-sign-in-"))
    try:
        with closing(Database.open(f"sqlite:///{folder / 'accounts.db'}", create=True)) as database:
            users, clock = UserStore(database), _Later()
            throttle = Throttle(database, clock=clock)
            for name in filter(None, _NAMES.values()):
                users.create(name, "operator", actor=_ACTOR)
            for name in ("ada", "bob"):
                users.set_password(name, "correct horse battery staple", actor=_ACTOR)
            users.disable("bob", _ACTOR)

            def maker(known: str | None) -> Callable[[], Work]:
                def make() -> Work:
                    name = known or secrets.token_hex(2)

                    def guess() -> None:
                        if throttle.wait(name, "192.0.2.1") or users.verify_password(name, "a guess at a password"):
                            raise AssertionError("the guess was not looked at, or it was right")
                        throttle.failed(name, "192.0.2.1")

                    return guess

                return make

            yield {kind: maker(name) for kind, name in _NAMES.items()}
    finally:
        shutil.rmtree(folder)


class _Later:
    """Two hours later each time that it is asked, so that nobody has to wait for the guess before."""

    def __init__(self) -> None:
        self._now = 1_790_000_000.0

    def __call__(self) -> float:
        self._now += 7200.0
        return self._now
