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
    from payseal.clients.explaining import explain_response
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
    "explain_response",
    "scheme",
]


def __getattr__(name: str) -> Any:
    """`Cause`, `Explanation` and `explain_response`, when they are asked for: signing and verifying do without."""
    if name == "explain_response":
        from payseal.clients import explaining

        return explaining.explain_response
    if name not in ("Cause", "Explanation"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from payseal.explain import causes

    return getattr(causes, name)
