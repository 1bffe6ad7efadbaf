"""payseal signs, verifies and explains API requests for payments, from one scheme file for both ends of the wire."""

from typing import TYPE_CHECKING, Any

from payseal.credentials import Credential
from payseal.errors import CredentialError, LedgerError, PaysealError, Rejected, SchemeError, SigningError
from payseal.explain import explain
from payseal.request import Request
from payseal.schemes import Scheme, scheme
from payseal.signing import Signer
from payseal.verification import Authenticated, Presented, Verifier

if TYPE_CHECKING:
    from payseal.explain import Cause, Explanation

__version__ = "0.1.0"

__all__ = [
    "Authenticated",
    "Cause",
    "Credential",
    "CredentialError",
    "Explanation",
    "LedgerError",
    "PaysealError",
    "Presented",
    "Rejected",
    "Request",
    "Scheme",
    "SchemeError",
    "Signer",
    "SigningError",
    "Verifier",
    "explain",
    "scheme",
]


def __getattr__(name: str) -> Any:
    """`Cause` and `Explanation`, when they are asked for: signing and verifying do without."""
    if name not in ("Cause", "Explanation"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from payseal.explain import causes

    return getattr(causes, name)
