"""As Python, with payseal and requests."""

from __future__ import annotations

from payseal.server.snippets.call import Call, parts_used

__all__ = ["python"]


def python(call: Call) -> str:
    """A program that runs with ``pip install 'payseal[requests]'``."""
    credential = ", ".join(f'{part}=os.environ["PAYSEAL_{part.upper()}"]' for part in parts_used(call.scheme))
    overrides = "".join(f", {table}={values!r}" for table, values in call.overrides.items())
    return f"""\
import os

import payseal
import requests
from payseal.clients.requests import SignatureAuth

credential = payseal.Credential({credential})
signer = payseal.Signer(payseal.scheme({call.scheme.name!r}{overrides}), credential)
body = {call.body!r}.encode()

answer = requests.request(
    {call.method!r}, {call.url!r}, data=body, headers={{"Content-Type": "application/json"}}, auth=SignatureAuth(signer), timeout=30
)
print(answer.status_code, answer.text)
"""
