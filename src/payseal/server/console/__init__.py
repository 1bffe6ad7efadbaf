"""The console: keys, switches and what is happening, in a browser."""

from __future__ import annotations

from payseal.server.console.app import EXPLANATIONS, PATH, console
from payseal.server.console.gauge import Gauge
from payseal.server.console.services import Endpoint, Services

__all__ = ["EXPLANATIONS", "PATH", "Endpoint", "Gauge", "Services", "console"]
