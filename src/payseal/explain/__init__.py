"""The search for the cause: why a signature did not match."""

from payseal.explain.causes import CODES, Cause, Check, Explanation
from payseal.explain.entry import explain

__all__ = ["CODES", "Cause", "Check", "Explanation", "explain"]
