"""A request from a HAR file, as browsers and proxies save them: the whole file, one entry of it, or its request alone."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final, NoReturn

from payseal.cli.failures import note, wrong_use
from payseal.cli.values import TOKEN, url_of
from payseal.request import Request

__all__ = ["har_request"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def har_request(data: bytes, entry: int | None) -> Request:
    """The request in ``data``; ``entry`` says which, from 1 on, where there are several. Raises `Stop`."""
    try:
        document = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        _bad("it is not UTF-8 text")
    except (ValueError, RecursionError) as error:
        _bad(f"it is not JSON{f' (line {error.lineno}, column {error.colno})' if isinstance(error, json.JSONDecodeError) else ''}")
    found = _request_of(document, entry)
    method, address = found.get("method"), found.get("url")
    if not isinstance(method, str) or not TOKEN.fullmatch(method):
        _bad("its request has no method")
    url = url_of(address) if isinstance(address, str) else None
    if url is None:
        _bad("its request has no absolute URL")
    pairs = _pairs(found.get("headers", []))
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.append(("Host", url.authority))
    return Request(method, url.target, pairs, _body(found))


def _request_of(document: Any, entry: int | None) -> dict[str, Any]:
    log = document.get("log") if isinstance(document, dict) else None
    if isinstance(log, dict):
        entries = log.get("entries")
        if not isinstance(entries, list) or not entries:
            _bad("it holds no entries")
        if entry is None and len(entries) > 1:
            wrong_use(f"the HAR file holds {len(entries)} entries: choose with --entry, from 1 to {len(entries)}")
        if not 1 <= (entry or 1) <= len(entries):
            wrong_use(f"--entry: the HAR file holds {len(entries)}, and the first is 1")
        document = entries[(entry or 1) - 1]
    elif entry is not None:
        wrong_use("--entry chooses from a whole HAR file, and what was read is one entry")
    found = document.get("request", document) if isinstance(document, dict) else None
    if not isinstance(found, dict) or "method" not in found:
        _bad("a HAR file, an entry of one, or its request is wanted")
    return found


def _pairs(headers: Any) -> list[tuple[str, str]]:
    if not isinstance(headers, list):
        _bad("its headers are not a list")
    pairs: list[tuple[str, str]] = []
    for number, header in enumerate(headers, start=1):
        name, value = (header.get("name"), header.get("value")) if isinstance(header, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            _bad(f"header {number} is not a name and a value")
        if name.startswith(":"):  # HTTP/2 writes its request line so; only the authority becomes a header
            if name != ":authority":
                continue
            name = "Host"
        if not TOKEN.fullmatch(name) or _CONTROL.search(value):
            _bad(f"header {number} is not a header's name, or its value holds a control character")
        pairs.append((name, value.strip(" \t")))
    return pairs


def _body(found: dict[str, Any]) -> bytes:
    data = found.get("postData")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        _bad("its postData is not an object")
    text = data.get("text", "")
    if not isinstance(text, str):
        _bad("the text of its postData is not text")
    if not text and data.get("params"):
        _bad("it holds the body as form fields and not as text: the bytes that were sent cannot be told from them")
    if data.get("encoding") == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            _bad("the text of its postData is not Base64, as it says")
    try:
        body = text.encode("utf-8")
    except UnicodeEncodeError:
        _bad("the text of its postData holds half a character")
    size = found.get("bodySize")
    if isinstance(size, int) and size > 0 and size != len(body):
        note(f"the HAR file says that the body had {size} bytes, and its text makes {len(body)}: it may not be what was sent")
    return body


def _bad(why: str) -> NoReturn:
    wrong_use(f"the HAR file: {why}")
