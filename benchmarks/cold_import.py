"""How long `import payseal` takes in an interpreter that has imported nothing else, beside the import of each peer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.progress import Progress
from benchmarks.timing import on_one_core

#: What is imported: what a program that signs or verifies writes down. The first is nothing at all.
IMPORTS = {
    "the interpreter alone": "pass",
    "payseal": "import payseal",
    "itsdangerous": "import itsdangerous",
    "standardwebhooks": "import standardwebhooks",
    "svix": "import svix.webhooks",
    "slack_sdk": "import slack_sdk.signature",
    "stripe": "import stripe",
    "mohawk": "import mohawk",
    "botocore": "import botocore.auth, botocore.awsrequest",
    "http-message-signatures": "import http_message_signatures",
}


def measure(rounds: int) -> dict[str, Any]:
    """Milliseconds from starting the interpreter to its end, least and median, one after the other in each round."""
    there = {name: statement for name, statement in IMPORTS.items() if run(statement) is not None}
    times: dict[str, list[float]] = {name: [] for name in there}
    with Progress("cold import") as progress, on_one_core():
        for done in range(rounds):
            for name, statement in there.items():
                took = run(statement)
                assert took is not None
                times[name].append(took * 1000)
            progress.tell(done + 1, rounds, "rounds")
    rows = [{"name": name, "least": round(min(each), 2), "median": round(statistics.median(each), 2)} for name, each in times.items()]
    return {"rounds": rounds, "rows": rows}


def run(statement: str) -> float | None:
    """Seconds; ``None`` where it cannot be imported. The first run writes the bytecode that the others read."""
    began = time.perf_counter()
    # Isolated: neither the folder nor the environment's variables take part.
    ended = subprocess.run([sys.executable, "-I", "-c", statement], stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began if ended.returncode == 0 else None
