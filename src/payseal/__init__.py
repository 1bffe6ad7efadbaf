"""payseal signs, verifies and explains API requests for payments, from one scheme file for both ends of the wire."""

from payseal.credentials import Credential
from payseal.errors import CredentialError, LedgerError, PaysealError, Rejected, SchemeError, SigningError
from payseal.explain import Cause, Explanation, explain
from payseal.request import Request
from payseal.schemes import Scheme, scheme
from payseal.signing import Signer
from payseal.verification import Authenticated, Presented, Verifier

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
