"""Every exception payseal raises, in one tree, general to specific.

Two kinds of mistake are kept apart: what *you* got wrong (a scheme file, a credential, a request that cannot be signed) and what a
*client* sent (`Rejected`, and nothing else). No message in this tree ever carries a secret, a MAC, or a header's value.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "REJECTIONS",
    "CredentialError",
    "LedgerError",
    "MissingExtra",
    "PaysealError",
    "Rejected",
    "SchemeError",
    "SigningError",
]


class PaysealError(Exception):
    """The root: catch this to catch everything payseal raises on purpose."""


class SchemeError(PaysealError):
    """A scheme file, or an override of one, is wrong."""

    #: The file (or ``<string>``, or the scheme's name in the catalogue) in which the mistake stands.
    file: str
    #: The dotted key that is wrong, such as ``created.tolerance``; empty when it is the file as a whole.
    key: str
    #: What to do about it, as one sentence.
    remedy: str

    def __init__(self, problem: str, *, file: str = "<string>", key: str = "", remedy: str = "") -> None:
        self.file, self.key, self.problem, self.remedy = file, key, problem, remedy
        super().__init__(f"{file}: {f'{key}: ' if key else ''}{problem}{f' — {remedy}' if remedy else ''}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


class CredentialError(PaysealError):
    """A credential is malformed, or lacks what a scheme needs (a secret, a token, a keyid)."""


class SigningError(PaysealError, ValueError):
    """What was handed to the signer cannot be signed: a nonce outside the scheme's grammar, a time it cannot write, a header missing."""


class LedgerError(PaysealError):
    """The ledger cannot be reached or cannot answer. Whoever sees this must refuse the request (503): never accept in doubt."""


class MissingExtra(PaysealError, ImportError):
    """An optional part is not installed; the message is the ``pip install`` line that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a part that is not installed: pip install 'payseal[{extra}]'")
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


#: Every code a refused request can carry: its HTTP status (RFC 9110) and its title (RFC 9457). Codes are stable.
REJECTIONS: Final[dict[str, tuple[int, str]]] = {
    "missing-header": (401, "A header that the signature scheme needs is missing"),
    "repeated-header": (401, "A header that the signature scheme reads is present more than once"),
    "malformed-header": (401, "A header that the signature scheme reads is malformed"),
    "malformed-target": (400, "The request line is malformed"),
    "invalid-signature": (401, "The request is not signed by a known credential"),
    "outside-window": (401, "The request was signed too long ago, or in the future"),
    "ambiguous-base": (401, "The signed bytes can be read as another request"),
    "address-not-allowed": (403, "Requests of this account are not accepted from this address"),
    "body-too-large": (413, "The body is larger than this service accepts"),
    "incomplete-body": (400, "The body ended before it was complete"),
    "replayed": (409, "This request id was already used"),
    "in-flight": (409, "A request with this id is being processed"),
    "outcome-unknown": (409, "A request with this id was begun and its outcome is unknown"),
    "id-reused": (422, "This request id was already used for another request"),
    "unavailable": (503, "The request could not be checked just now"),
}


class Rejected(PaysealError):
    """A request that is refused. The only exception that anything a client sends can cause.

    ``code``, ``status``, ``title`` and ``detail`` may be shown to whoever sent the request: they are the same for an unknown key
    and for a wrong signature. ``diagnosis`` is for the operator alone and is left out of the text and the ``repr``.
    """

    #: Stable, machine-readable: a key of `REJECTIONS`.
    code: str
    #: The HTTP status to answer with.
    status: int
    #: What this code means; the same for every request refused with it.
    title: str
    #: What was seen in this request, without any value from it.
    detail: str
    #: For the operator only, never for the client: what told the request from a good one. May be empty.
    diagnosis: str

    def __init__(self, code: str, detail: str = "", *, diagnosis: str = "") -> None:
        self.code = code
        self.status, self.title = REJECTIONS[code]
        self.detail = detail
        self.diagnosis = diagnosis
        super().__init__(f"{code}: {detail or self.title}")

    def __repr__(self) -> str:
        return f"Rejected(code={self.code!r}, status={self.status}, detail={self.detail!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[PaysealError], args: tuple[Any, ...], state: dict[str, Any]) -> PaysealError:
    """Rebuild an unpickled exception from its text and attributes, whatever its constructor takes."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
