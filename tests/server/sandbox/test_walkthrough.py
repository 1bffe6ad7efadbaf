"""The walk that ``scripts/run`` takes: every system accepts the good and refuses the tampered, the stale and the repeated."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from payseal.server.sandbox.walkthrough import walk

from .conftest import Sandbox


def test_every_outcome_is_the_expected_one(sandbox: Sandbox) -> None:
    steps = list(walk(sandbox.port, sandbox.vault.demo_keys()))
    assert [step for step in steps if not step.good] == []
    for system in ("Fiserv Payments", "Startbutton", "Commerce Hub"):
        sent = " / ".join(step.sent for step in steps if step.system == system)
        for kind in ("signed", "changed after signing", "an hour ago", "sent again"):
            assert kind in sent, f"{system}: nothing {kind}"


def test_a_sandbox_that_accepts_what_it_should_not_is_noticed(sandbox: Sandbox, folder: Path) -> None:
    """Keys that the sandbox does not know: every good step must be reported as unexpected."""
    from payseal.server.vault import Vault

    steps = list(walk(sandbox.port, Vault.open(folder).demo_keys()))
    assert not any(step.good for step in steps if step.sent.startswith("a signed"))


def _payseal(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "payseal", *arguments], cwd=cwd, capture_output=True, text=True, timeout=90, check=False)


def test_the_command_walks_once_and_says_what_came_back(tmp_path: Path) -> None:
    done = _payseal("sandbox", "--walkthrough", "--once", "--port", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "18 of 18 outcomes as expected" in done.stdout
    keys = (tmp_path / "payseal-sandbox" / "keys.toml").read_text()
    for secret in re.findall(r'(?:secret|token) = "(.+)"', keys):
        assert secret not in done.stdout + done.stderr


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = _payseal("sandbox", "--port", str(other.getsockname()[1]), cwd=tmp_path)
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_serves_until_interrupted(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "payseal", "sandbox", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", int(found[1])), timeout=5) as client:
                    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert b"200 OK" in client.recv(1024)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert process.returncode in (0, 130)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_once_without_the_walk_is_a_mistake(tmp_path: Path) -> None:
    assert _payseal("sandbox", "--once", cwd=tmp_path).returncode == 2
