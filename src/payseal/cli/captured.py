"""A request in whichever form it was kept: raw HTTP, an entry of a HAR file, a ``curl`` command. Which one it is shows at its beginning."""

from __future__ import annotations

import re
from typing import Final

from payseal.cli.curl_reader import curl_request
from payseal.cli.failures import wrong_use
from payseal.cli.har import har_request
from payseal.cli.raw_http import parse_request
from payseal.request import Request

__all__ = ["captured_request"]

#: Bytes. A larger file is none that one request was saved in.
_LARGEST: Final = 67_108_864
_CURL: Final = re.compile(rb"\s*(?:[$>]\s+)?curl(?:\.exe)?\s", re.IGNORECASE)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def captured_request(data: bytes, *, entry: int | None, allow_files: bool) -> Request:
    """The one request in ``data``. ``entry`` chooses from a HAR file (1 is its first); a file that a ``curl`` command names is read only
    with ``allow_files``. Raises `Stop`, or `RawHttpError`; neither quotes what was read."""
    if len(data) > _LARGEST:
        wrong_use(f"the captured request is larger than {_LARGEST} bytes")
    text = data.removeprefix(_BYTE_ORDER_MARK)
    kind = "curl" if _CURL.match(text) else "HAR" if text.lstrip()[:1] in (b"{", b"[") else "raw HTTP"
    if entry is not None and kind != "HAR":
        wrong_use(f"--entry chooses from a HAR file, and what was read is {kind}")
    if kind == "curl":
        return curl_request(text, allow_files=allow_files)
    if kind == "HAR":
        return har_request(text, entry)
    return parse_request(data).request
