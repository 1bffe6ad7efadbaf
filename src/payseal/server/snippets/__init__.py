"""A signed call as text that can be copied: for a shell, for Python, for JavaScript, for PHP. No secret is ever in it."""

from __future__ import annotations

from payseal.server.snippets.call import Call
from payseal.server.snippets.curl import curl
from payseal.server.snippets.node import node
from payseal.server.snippets.php import php
from payseal.server.snippets.python import python

__all__ = ["Call", "curl", "node", "php", "python"]
