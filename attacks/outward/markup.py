"""Texts that mean something to a browser, and whether a page that was given them let them be more than text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

__all__ = ["MARK", "PAYLOADS", "injected"]

#: Stands in every payload, so that its traces can be told from the page's own markup.
MARK: Final = "pwnd"
_RUN: Final = f"window.{MARK}=1"

PAYLOADS: Final = (
    f"<{MARK}>",
    f"<script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>",
    f"<ScRiPt>{_RUN}</sCrIpT>",
    f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    f"<img src=x onerror={_RUN}>",
    f"<svg/onload={_RUN}>",
    f"</title></style></textarea></pre></code><{MARK} onclick={_RUN}>",
    f'"><{MARK} x="',
    f"'><{MARK} x='",
    f'" autofocus onfocus="{_RUN}" {MARK}="',
    f"' autofocus onfocus='{_RUN}' {MARK}='",
    f"x autofocus onfocus={_RUN} {MARK}=",
    f"--><{MARK}><!--",
    f"]]><{MARK}>",
    f"javascript:{_RUN}//",
    f"JaVaScRiPt:{_RUN}//",
    f"java\tscript:{_RUN}//",
    f"data:text/html,<script>{_RUN}</script>",
    f"&lt;{MARK}&gt;",
    f"%3C{MARK}%3E",
    f"\\u003c{MARK}\\u003e",
    f"{{{{ 7*7 }}}}{{% for x in y %}}${{{_RUN}}}<{MARK}>",
    f"＜{MARK}＞",
    f"<\0{MARK}>",
    f"\u202e<{MARK}>",
    f"\r\n\r\n<{MARK}>",
    f"*/</style><{MARK}>/*",
    f"\\'-{_RUN}//<{MARK}>",
    f"<base href=//{MARK}.invalid>",
    f"<meta http-equiv=refresh content=0;url=//{MARK}.invalid>",
    f"<form action=//{MARK}.invalid><input name=csrf>",
    f"<link rel=stylesheet href=//{MARK}.invalid>",
)

_LINKS: Final = ("href", "src", "action", "formaction", "data", "xlink:href", "srcset", "content", "http-equiv", "hx-get", "hx-post")
_SCRIPTED: Final = ("javascript:", "vbscript:", "data:")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("script", "style") and "json" not in str(dict(attrs).get("type")) else ""
        if MARK in tag:
            self.found.append(f"an element <{tag}>")
        for name, value in attrs:
            text = "".join((value or "").split()).lower()
            if name.startswith("on") or MARK in name:
                self.found.append(f"an attribute {name} of <{tag}>")
            elif name in _LINKS and text.startswith((*_SCRIPTED, f"//{MARK}", f"http://{MARK}", f"https://{MARK}")):
                self.found.append(f"{name}={text[:40]!r} of <{tag}>")
            elif name == "style" and MARK in text:
                self.found.append(f"a style of <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside and MARK in data:
            self.found.append(f"text in <{self._inside}>")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.found.append("a comment")


def injected(page: str) -> list[str]:
    """What of a payload became markup in this page; nothing, as it must be."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found
