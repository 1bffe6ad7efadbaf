"""Requests to the sandbox for the programs that people try APIs with: a Postman collection and an ``.http`` file, made from the schemes."""

from __future__ import annotations

from payseal.server.sandbox.collections.environment import demo_values
from payseal.server.sandbox.collections.httpfile import http_environment, http_file
from payseal.server.sandbox.collections.postman import postman_collection, postman_environment

__all__ = ["demo_values", "http_environment", "http_file", "postman_collection", "postman_environment"]
