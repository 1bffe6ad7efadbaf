"""A sandbox that is told to end writes what it knows first."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from payseal.server.accounts import Database, tables


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_last_decision_is_on_record_and_its_address_is_gone(tmp_path: Path, number: signal.Signals, code: int) -> None:
    folder = tmp_path / "sandbox"
    command = [sys.executable, "-m", "payseal", "sandbox", "--folder", str(folder), "--port", "0"]

    def listening() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background of a script is started deaf to it

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, preexec_fn=listening) as running:
        try:
            assert _ask(folder) == 401
            running.send_signal(number)
            _, said = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == code
    assert b"Traceback" not in said
    assert not (folder / "address").exists()
    with closing(Database.open(f"sqlite:///{folder}/accounts.db")) as database, database.read() as connection:
        assert connection.execute(select(tables.decisions.c.status)).scalars().all() == [401]


def _ask(folder: Path) -> int:
    """The answer to a request without a signature, as soon as somebody listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            port = int((folder / "address").read_text("ascii").rpartition(":")[2])
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("POST", "/gateway/v2/payments", b"{}")
                return connection.getresponse().status
        except (OSError, ValueError):
            assert time.monotonic() < deadline
            time.sleep(0.02)
