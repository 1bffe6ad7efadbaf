"""The search for the cause: why a signature did not match."""

from typing import TYPE_CHECKING, Any

from payseal.explain.entry import explain

if TYPE_CHECKING:
    from payseal.explain.causes import CODES, Cause, Check, Explanation

__all__ = ["CODES", "Cause", "Check", "Explanation", "explain"]


def __getattr__(name: str) -> Any:
    """Hand the table of causes and its types on when they are asked for: whoever only signs or verifies need not load them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from payseal.explain import causes

    return getattr(causes, name)
