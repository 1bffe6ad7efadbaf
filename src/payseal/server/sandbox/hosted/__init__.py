"""The hosted payment page of the demo shop: a card is encrypted in the browser and captured; the shop charges the session."""

from __future__ import annotations

from payseal.server.sandbox.hosted.routes import hosted_routes

__all__ = ["hosted_routes"]
