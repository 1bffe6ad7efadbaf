"""What the figures were measured on: the machine as far as it matters, and nothing that names it."""

from __future__ import annotations

import datetime
import os
import platform
import re
import ssl
from pathlib import Path
from typing import Any

import payseal


def environment() -> dict[str, Any]:
    """Cores, processor, system, Python, OpenSSL, payseal."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        "payseal": payseal.__version__,
    }


def today() -> str:
    """The day, as everybody writes it."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def processor() -> str:
    """Its model, where the system says; otherwise its kind."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def load() -> float | None:
    """How many programs wanted a core during the last minute, on average; ``None`` where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
