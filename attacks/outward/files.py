"""Does a name lead out of its folder, a text steer a terminal or forge a line of a log, a body break what reads it?"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from attacks.outward.markup import PAYLOADS
from attacks.outward.pages import leave_traces
from attacks.rows import Tally
from attacks.ways_in.wire import talk
from attacks.words import words
from click.testing import CliRunner
from tests.server.console.conftest import Console
from tests.server.sandbox.calls import hub, sale, transfer
from tests.server.sandbox.conftest import Reply
from tests.server.sandbox.samples import TRANSFER

import payseal
from payseal import SchemeError, Signer
from payseal.cli.group import payseal as command_line

__all__ = ["BOMBS", "STEERING", "bodies", "in_urls", "lines", "names", "numbers_in_addresses", "terminals"]

# --- names ------------------------------------------------------------------------------------------------------------------------------

_UP: Final = words(r"""
    {0} ./{0} ../{0} ../../{0} ../../../../../../../../../../{0} ..\{0} ..\..\{0} .\{0} %2e%2e/{0} ..%2f{0} ..%5c{0} ....//{0} ..;/{0}
    /{0} //{0} \{0} \\localhost\{0} file:///{0} file:{0} C:\{0} C:{0} catalogue/{0} ../catalogue/{0} {0}/ {0}/. {0}/../{0} {0}.toml
    {0}.TOML {0}%00 {0}. ~/{0} $HOME/{0} {0}* {0}? [{0}]
""")
_WANTED: Final = ("etc/passwd", "fiserv-payments", "outside", "keys", "pyproject")
_OTHER_NAMES: Final = (
    *words("FISERV-PAYMENTS Fiserv-payments ﬁserv-payments fiserv‐payments fiserv_payments con nul aux.toml - --help . .. / \\"),
    *("", "\0", "fiserv-payments\0", "fiserv-payments\n", "fiserv-payments ", " fiserv-payments", "a" * 5000),
)

_SCHEME: Final = """
name = "outside"
[signature]
base = "{body}"
algorithm = "hmac-sha256"
encoding = "hex"
[headers]
X-Signature = "{signature}"
"""


def names(tally: Tally, *, every: int = 1) -> None:
    """Names of schemes that are no names, from a folder in which the files lie that they would find."""
    with tempfile.TemporaryDirectory(prefix="payseal-outward-") as folder, contextlib.chdir(folder):
        for name in ("outside", "outside.toml", "keys", "keys.toml", "pyproject.toml"):
            Path(name).write_text(_SCHEME, "utf-8")
        odd = [form.format(wanted) for form, wanted in itertools.product(_UP, _WANTED)]
        for name in [*(each for each in odd if each != "fiserv-payments"), str(Path(folder, "outside")), *_OTHER_NAMES][::every]:
            _named(tally, "scheme", name, payseal.scheme, name)
            _named(tally, "extends", name, payseal.Scheme.loads, f"extends = {json.dumps(name)}\nname = 'derived'")


def _named(tally: Tally, what: str, name: str, load: Callable[[str], object], text: str) -> None:
    try:
        load(text)
    except SchemeError as error:
        # The message repeats no more of the name than fits, and nothing of a file.
        if "root:" in str(error) or len(str(error)) > 700:
            tally.through(f"{what} {name!r}: said {str(error)[:80]}")
        else:
            tally.held("no such scheme")
    else:
        tally.through(f"{what} {name!r} was loaded")


_ROUTES: Final = words("""
    /static /pay/static /console/static /openapi /reference /console/catalogue /console/requests /explanations /gateway/v2/orders
""")
_STEPS: Final = words(r"../ ..%2f %2e%2e/ %2e%2e%2f ..%5c ..\ ....// ..;/ .%2e/ %252e%252e%252f %c0%ae%c0%ae/ ..%00/ /")
_FILES: Final = words("etc/passwd keys.toml control.token accounts.db page.py routes.py assets.py pay.html")
#: Where any of it stands in an answer, a file was read that is nobody's to read.
_INSIDES: Final = re.compile(rb"root:x?:0:0|SQLite format 3|from __future__|secret = |\{% extends|^\[fiserv\]", re.MULTILINE)


def in_urls(sandbox: Console, tally: Tally, *, every: int = 1) -> None:
    """The same in addresses, as bytes that no client tidies up, by a stranger and by an operator."""
    operator = sandbox.signed_in()
    cookie = f"Cookie: payseal={operator.cookies['payseal']}\r\n".encode()
    secret = sandbox.vault.keys_file.read_bytes()
    inside: list[bytes] = re.findall(rb'"([^"\n]{20,})"', secret)
    for route, step, file in list(itertools.product(_ROUTES, _STEPS, _FILES))[::every]:
        for times in (1, 6):
            for who in (b"", cookie):
                target = f"{route}/{step * times}{file}"
                line = b"GET " + target.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + who + b"\r\n"
                conversation = talk(sandbox.port, line, 5)
                status = conversation.statuses[0] if conversation.statuses else 0
                if _INSIDES.search(conversation.answered) or any(each in conversation.answered for each in inside):
                    tally.through(f"{target} shows a file")
                elif not 300 <= status < 500:
                    tally.through(f"{target} is answered {status}")
                else:
                    tally.held(str(status))


# --- texts that steer -------------------------------------------------------------------------------------------------------------------

#: What a terminal obeys, and what ends or turns a line.
STEERING: Final = (
    *("\x1b[2J", "\x1b]0;pwnd\x07", "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x1bP+q\x1b\\", "\x9b31m", "\x90x\x9c"),
    *("\r forged", "\x08\x08\x08", "\x0b", "\x0c", "\x7f", "\x85forged", "\u2028forged", "\u202eforged", "\u2066x", "\ufeff"),
    *("[red]x[/]", "[link=http://evil.example]x[/link]"),
)
_STEERS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


class _Listening(logging.Handler):
    def __init__(self, heard: list[logging.LogRecord]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record)


def lines(sandbox: Console, tally: Tally, payloads: Sequence[str] = PAYLOADS) -> None:
    """What is logged of requests that have such texts in them: one line a record."""
    heard: list[logging.LogRecord] = []
    handler = _Listening(heard)
    formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")
    loggers = [logging.getLogger(name) for name in ("payseal", "uvicorn.error", "")]
    level = loggers[0].level
    for logger in loggers:
        logger.addHandler(handler)
    loggers[0].setLevel(logging.INFO)
    try:
        leave_traces(sandbox, [*payloads, *STEERING])
        for steering in STEERING:
            transfer(sandbox, {**TRANSFER, "reference": f"reference{steering}", "webhookUrl": f"http://127.0.0.1:1/{steering}"})
            sandbox.visitor().post("/console/sign-in", {"name": steering, "password": steering})
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        loggers[0].setLevel(level)
    for record in heard:
        text = formatter.format(record)
        if _STEERS.search(text) or "\n" in text:
            tally.through(f"{text[:100]!r}")
        else:
            tally.held("one line, without a control character")


def terminals(tally: Tally, steering: Sequence[str] = STEERING) -> None:
    """What the command line shows of captured requests, of schemes and of answers that have such texts in them."""
    environment = {"PAYSEAL_KEYID": "key-1", "PAYSEAL_SECRET": "correct horse battery staple", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="payseal-outward-") as folder, contextlib.chdir(folder):
        for each in steering:
            for called, arguments, data in _commands(each):
                result = CliRunner().invoke(command_line, arguments, input=data, env=environment, prog_name="payseal")
                shown = result.output + (result.stderr if result.stderr_bytes else "")
                if result.exception is not None and not isinstance(result.exception, SystemExit):
                    tally.through(f"{called} fails with {type(result.exception).__name__} at {each!r}")
                elif found := _STEERS.search(shown):
                    tally.through(f"{called} shows {found[0]!r} of {each!r}")
                else:
                    tally.held("written out, or refused")


def _commands(steering: str) -> Iterator[tuple[str, list[str], bytes]]:
    raw = steering.encode()
    scheme = ["--scheme", "fiserv-payments"]
    signed = b"Api-Key: key-1\r\nClient-Request-Id: 1\r\nTimestamp: 1729620420123\r\n"
    body = b'{"note": "' + raw + b'"}'
    for place, captured in {
        "a header": b"POST /pay HTTP/1.1\r\nHost: h\r\n" + signed + b"Message-Signature: " + raw + b"\r\n\r\n" + body,
        "an id": b"POST /pay HTTP/1.1\r\nHost: h\r\nApi-Key: " + raw + b"\r\nClient-Request-Id: " + raw + b"\r\n\r\n" + body,
        "a name": b"POST /pay HTTP/1.1\r\nHost: h\r\n" + signed + b"X-" + raw + b": 1\r\n\r\n" + body,
        "a target": b"POST /" + raw + b" HTTP/1.1\r\nHost: h\r\n" + signed + b"Message-Signature: AAAA\r\n\r\n" + body,
        "a body": b"POST /pay HTTP/1.1\r\nHost: h\r\n" + signed + b"Message-Signature: " + b"A" * 43 + b"=\r\n\r\n" + body,
        "a host": b"POST /pay HTTP/1.1\r\nHost: " + raw + b"\r\n" + signed + b"\r\n" + body,
    }.items():
        yield f"verify, {place}", ["verify", *scheme, "-"], captured
        yield f"explain, {place}", ["explain", *scheme, "-"], captured
    curl = f"curl -X POST 'http://h/pay' -H 'Api-Key: {steering}' --data-raw '{steering}'".encode()
    yield "explain, a curl command", ["explain", *scheme, "-"], curl
    pairs = [{"name": "Api-Key", "value": steering}, {"name": steering, "value": "1"}]
    request = {"method": "POST", "url": f"http://h/{quote(steering)}", "headers": pairs, "postData": {"text": steering}}
    har = {"log": {"entries": [{"request": request, "response": {"status": 401}}]}}
    yield "explain, a HAR file", ["explain", *scheme, "-"], json.dumps(har).encode()
    title = _SCHEME.replace('"outside"', f'"outside"\ntitle = {json.dumps(steering)}')
    Path("steering.toml").write_text(title, "utf-8")
    yield "schemes show", ["schemes", "show", "./steering.toml"], b""
    Path("broken.toml").write_text(f"{steering} = 1", "utf-8")
    Path("derived.toml").write_text(f"extends = {json.dumps(f'./{steering}.toml')}\nname = 'derived'", "utf-8")
    yield "schemes show, what extends another", ["schemes", "show", "./derived.toml"], b""
    yield "schemes show, a broken file", ["schemes", "show", "./broken.toml"], b""
    yield "schemes show, a name", ["schemes", "show", steering], b""
    yield "sign, a scheme", ["sign", "--scheme", steering, "http://h/"], b""
    yield "sign, a URL", ["sign", *scheme, f"http://h/{steering}"], b""


# --- bodies -----------------------------------------------------------------------------------------------------------------------------

_DEEP: Final = 100_000
BOMBS: Final[dict[str, bytes]] = {
    "lists in lists": b"[" * _DEEP + b"]" * _DEEP,
    "lists that are never closed": b"[" * 900_000,
    "objects in objects": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "a field of lists in lists": b'{"amount":' + b"[" * 400 + b"]" * 400 + b"}",
    "an integer of 500,000 digits": b'{"amount":' + b"9" * 500_000 + b"}",
    "a fraction of 500,000 digits": b'{"amount":0.' + b"3" * 500_000 + b"}",
    "a large exponent": b'{"amount":1e999999999}',
    "a larger exponent": b'{"amount":1e99999999999999999999999}',
    "a small exponent": b'{"amount":1e-999999999,"transactionAmount":{"total":1e-999999999,"currency":"EUR"}}',
    "not a number": b'{"amount":NaN,"transactionAmount":{"total":Infinity,"currency":"EUR"}}',
    "a name twice": b'{"amount":1,"amount":2,"transactionAmount":{"total":1,"total":2}}',
    "50,000 names": b"{" + b",".join(b'"k%d":1' % number for number in range(50_000)) + b"}",
    "a name of 900,000 bytes": b'{"' + b"a" * 900_000 + b'":1}',
    "a text of 900,000 bytes": b'{"requestType":"' + b"a" * 900_000 + b'","currency":"' + b"a" * 10 + b'"}',
    "names of Python": b'{"__class__":1,"__proto__":{"a":1},"constructor":{"prototype":1},"$ref":"#"}',
    "half a character": b'{"amount":"\\ud800","currency":"\\udc00","requestType":"\\ud800"}',
    "no UTF-8": b'{"amount":"\xff\xfe"}',
    "UTF-16": '{"amount":1}'.encode("utf-16"),
    "UTF-32": '{"amount":1}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"amount":1}',
    "NUL": b'{"amount":1}\0{"amount":2}',
    "two documents": b'{"amount":1}{"amount":2}',
    "a comment": b'{"amount":1/*,"amount":2*/}',
    "nothing": b"",
    "gzip of 50 MB": gzip.compress(b'{"amount":"' + b"x" * 50_000_000 + b'"}'),
    "XML that unfolds": b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
}
#: Seconds in which each must be answered, on a busy machine.
_PATIENCE: Final = 10.0


def bodies(sandbox: Console, tally: Tally, names: Sequence[str] = tuple(BOMBS)) -> None:
    """Each, signed by its sender, to each provider; and to what takes a document without a signature."""
    for name in names:
        for where, send in _readers(sandbox, BOMBS[name]).items():
            began = time.monotonic()
            try:
                status = send().status
            except OSError as error:
                tally.through(f"{name} to {where}: {type(error).__name__}")
                continue
            took = time.monotonic() - began
            if 400 <= status < 500 and took < _PATIENCE:
                tally.held(str(status))
            else:
                tally.through(f"{name} to {where}: {status} after {took:.1f} s")


def _readers(sandbox: Console, body: bytes) -> dict[str, Callable[[], Reply]]:
    """What reads that body, by the name of who does."""
    token = {"Authorization": f"Bearer {(sandbox.vault.folder / 'control.token').read_text('ascii').strip()}"}
    own = {"Origin": f"http://127.0.0.1:{sandbox.port}", "Content-Type": "application/json"}

    def packed(encoding: str) -> Reply:
        request = payseal.Request("POST", "/gateway/v2/payments", body=body)
        signed = Signer(payseal.scheme("fiserv-payments"), sandbox.vault.demo_keys().fiserv).sign(request)
        return sandbox.send("POST", request.target, {**signed, "Content-Type": "application/json", "Content-Encoding": encoding}, body)

    return {
        "Fiserv": lambda: sale(sandbox, None, raw=body),
        "Fiserv, said to be gzip": lambda: packed("gzip"),
        "Fiserv, said to be deflate": lambda: packed("deflate"),
        "Startbutton": lambda: transfer(sandbox, None, raw=body),
        "Commerce Hub": lambda: hub(sandbox, "/payments/v1/charges", raw=body),
        "the control": lambda: sandbox.send("POST", "/control/faults", token, body),
        "the payment page": lambda: sandbox.send("POST", "/pay/x/charge", own, body),
    }


def numbers_in_addresses(sandbox: Console, tally: Tally) -> None:
    """Numbers of any length where an address has one."""
    for digits in (1, 19, 400, 5000):
        for method, path in (
            ("DELETE", "/control/faults/{}"),
            ("GET", "/gateway/v2/orders/{}"),
            ("GET", "/console/requests?before={}&size={}"),
        ):
            status = sandbox.send(method, path.replace("{}", "9" * digits), {}).status
            if status < 500:
                tally.held(str(status))
            else:
                tally.through(f"{method} {path} with {digits} digits: {status}")
