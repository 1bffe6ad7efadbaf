"""What can be wrong with what is asked about a user."""

from __future__ import annotations

from payseal.errors import PaysealError

__all__ = ["UserError"]


class UserError(PaysealError):
    """A user, a name or a password that cannot be what it should be; the text says what to do. Never holds a password or a token."""
