"""``only=``: whoever spells a protected path in another way gets to another page, or is asked for a signature."""

from __future__ import annotations

import pytest
from attacks.ways_in.protected import FRAMEWORKS, PROTECTED, TARGETS, guess
from attacks.ways_in.wire import said


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_spelling_of_a_protected_path_reaches_it_unsigned(framework: str) -> None:
    with guess(framework) as send:
        open_page, _ = send("/free")
        assert open_page.answered.endswith(b"free")
        for path in PROTECTED:
            assert said(send(path)[0]) == "missing-header"
        reached = {target: found for target in TARGETS if (found := send(target)[1])}
    assert reached == {}
