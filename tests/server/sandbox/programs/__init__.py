"""Programs that run the collections' scripts, and how the tests start one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js on this machine, and the scripts are JavaScript")


def node(program: str, given: Any) -> Any:
    """What a program here writes for what it is given, both as JSON."""
    done = subprocess.run(
        ["node", str(FOLDER / program)], input=json.dumps(given), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
