"""Middleware for servers: plain ASGI and WSGI, for any framework that speaks one of them."""

from payseal.middleware.asgi import ASGIMiddleware
from payseal.middleware.decision import Decision, Witnessed
from payseal.middleware.guard import Guard
from payseal.middleware.problem import Refused, Renderer, problem, provider_refusal
from payseal.middleware.wsgi import WSGIMiddleware

__all__ = ["ASGIMiddleware", "Decision", "Guard", "Refused", "Renderer", "WSGIMiddleware", "Witnessed", "problem", "provider_refusal"]
