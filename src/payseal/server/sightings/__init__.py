"""Requests as they were seen, with what may be shown of them: in memory, the last ones, each for the page that explains it."""

from __future__ import annotations

from payseal.server.sightings.sighting import Sighting, shown_explanation, sighted
from payseal.server.sightings.sightings import Sightings

__all__ = ["Sighting", "Sightings", "shown_explanation", "sighted"]
