"""How long properties and state machines are tried: everyday, or as long as ``HYPOTHESIS_PROFILE=long`` says.

Everyday the same examples come each time, so that a failure seen once is seen again. The long profile takes many more, others each time, and
has no time limit; Hypothesis prints how to repeat what it found. ``HYPOTHESIS_TIMES`` is how many times more (50).
"""

from __future__ import annotations

import os
from typing import Any, Final

import hypothesis
import pytest

__all__ = ["LONG", "TIMEOUT", "settings"]

LONG: Final = os.environ.get("HYPOTHESIS_PROFILE") == "long"
_TIMES: Final = int(os.environ.get("HYPOTHESIS_TIMES", "50")) if LONG else 1

#: The time limit of a test that is as long as the profile: none for the long one.
TIMEOUT: Final = pytest.mark.timeout(0 if LONG else 120)


def settings(examples: int, **others: Any) -> hypothesis.settings:
    """``examples`` everyday, many more in the long profile; ``others`` as `hypothesis.settings` takes them."""
    return hypothesis.settings(max_examples=examples * _TIMES, derandomize=not LONG, print_blob=LONG, deadline=None, **others)
