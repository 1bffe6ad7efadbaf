"""What do the hosted page and the console make of texts that others chose: of a link's parts, a request's headers, an account's title?"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from attacks.outward.markup import MARK, PAYLOADS, injected
from attacks.rows import Tally
from attacks.ways_in.wire import Conversation, talk
from attacks.words import words
from tests.server.console.conftest import ACTOR, PASSWORD, Console, Got, Visitor

__all__ = ["ELSEWHERE", "console_pages", "hosted_page", "leave_traces", "pages_with_traces", "redirects", "spreadsheet"]

#: Where a browser would go, if it were sent there.
ELSEWHERE: Final = words(r"""
    https://evil.example //evil.example ///evil.example \\evil.example /\evil.example /\/evil.example \/evil.example /%09/evil.example
    /%5cevil.example //evil.example/console /console//evil.example /console/..//evil.example /console/../../evil.example
    /console@evil.example /console.evil.example /consolex /console/%2e%2e//evil.example https:evil.example http:/\evil.example
    javascript:alert(1) data:text/html,x /console%0d%0aLocation:%20//evil.example /console/%0a//evil.example //%5cevil.example
    /other /pay /console?next=//evil.example /console#//evil.example %2f%2fevil.example /console/\evil.example
""")
_ODD_ENDS: Final = (
    "/console\r\nLocation: //evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\t/evil.example",
    "/console\0//evil.example",
)

_NUMBERS: Final = itertools.count(1)
_TRACE: Final = re.compile(r"/console/requests/([0-9a-f-]{36})")


# --- the payment page -----------------------------------------------------------------------------------------------------------------


def hosted_page(sandbox: Console, tally: Tally, payloads: Sequence[str] = PAYLOADS) -> None:
    """Every part of a request that the page could show."""
    for number, payload in enumerate(payloads):
        asked = quote(payload, safe="")
        # A page with something to pay costs a key pair: it is asked for now and then.
        amount = "12.04" if number % 10 == 0 else "0"
        for target in (
            f"/pay?amount={asked}",
            f"/pay?amount=12.04&currency={asked}",
            f"/pay?amount={amount}&{asked}={asked}",
            f"/pay/{asked}/charge",
        ):
            _judge(tally, sandbox.visitor().get(target), target)
        raw = payload.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
        line = f"GET /pay?amount={amount} HTTP/1.1\r\nHost: 127.0.0.1:{sandbox.port}\r\n".encode()
        head = line + b"Referer: %b\r\nUser-Agent: %b\r\nCookie: a=%b\r\n" % (raw, raw, raw)
        _judge_raw(tally, talk(sandbox.port, head + b"Connection: close\r\n\r\n", 5), "headers of /pay")
        odd = b"GET /pay HTTP/1.1\r\nHost: %b\r\nX-Forwarded-Host: %b\r\nConnection: close\r\n\r\n" % (raw, raw)
        _judge_raw(tally, talk(sandbox.port, odd, 5), "the host of /pay")


def _judge(tally: Tally, got: Got, where: str) -> None:
    policy = got.headers["Content-Security-Policy"] or ""
    html = "html" in (got.headers["Content-Type"] or "")
    wrong = injected(got.text) if html else []
    if html and ("default-src 'none'" not in policy or "unsafe" in policy):
        wrong.append(f"a policy of {policy!r}")
    if got.status >= 500:
        wrong.append(f"an answer of {got.status}")
    if wrong:
        tally.through(f"{where}: {'; '.join(wrong)}")
    else:
        tally.held("shown as text, or not at all" if got.status < 400 else str(got.status))


def _judge_raw(tally: Tally, conversation: Conversation, where: str) -> None:
    head, _, body = conversation.answered.partition(b"\r\n\r\n")
    wrong = injected(body.decode("utf-8", "replace")) if b"text/html" in head.lower() else []
    if MARK.encode() in head:
        wrong.append("a header of the answer")
    if conversation.statuses[:1] >= [500]:
        wrong.append(f"an answer of {conversation.statuses[0]}")
    if wrong:
        tally.through(f"{where}: {'; '.join(wrong)}")
    else:
        tally.held("shown as text, or not at all" if conversation.statuses[:1] < [400] else str(conversation.statuses[0]))


# --- the console ----------------------------------------------------------------------------------------------------------------------


def leave_traces(sandbox: Console, payloads: Sequence[str] = PAYLOADS) -> None:
    """Requests, accounts and keys with such texts in all that their makers choose."""
    for payload in payloads:
        raw = payload.encode("utf-8", "replace").replace(b"\r", b"\x0b").replace(b"\n", b"\x0c").replace(b"\0", b"\x01")
        target = quote(payload, safe="<>\"'(){}=:;,!*&").encode()
        for path in (b"/gateway/v2/payments?" + target, b"/gateway/v2/orders/" + target.replace(b"?", b""), b"/transaction/transfer"):
            names = (b"Api-Key", b"Client-Request-Id", b"Message-Signature", b"Timestamp", b"x-request-id", b"Authorization", b"X-Other")
            headers = b"".join(name + b": " + raw + b"\r\n" for name in (*names, b"User-Agent", b"Content-Type"))
            body = b'{"requestType": "' + raw + b'"}'
            head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nConnection: close\r\n" % (path, len(body))
            talk(sandbox.port, head + headers + b"\r\n" + body, 5)
            signed = b"Api-Key: unknown\r\nClient-Request-Id: 1\r\nTimestamp: 1\r\nMessage-Signature: " + raw + b"\r\nX-Other: " + raw
            talk(sandbox.port, head + signed + b"\r\n\r\n" + body, 5)
        printable = "".join(each for each in payload if each.isprintable())
        account = sandbox.accounts.create(f"traces-{next(_NUMBERS)}", printable, actor=f"test:{printable}")
        sandbox.credentials.create(account.id, "fiserv-payments", label=printable, actor=f"test:{printable}")


def pages_with_traces(sandbox: Console, operator: Visitor, payloads: Sequence[str] = PAYLOADS) -> Iterator[str]:
    """Where those texts are shown, or asked for."""
    requests = [f"/console/requests/{trace}" for trace in dict.fromkeys(_TRACE.findall(operator.get("/console/requests?size=1000").text))]
    yield from requests
    yield from (each.replace("/console/requests", "/explanations") for each in requests)
    yield from ("/console", "/console/requests?size=1000", "/console/accounts", "/console/audit", "/console/people", "/console/profile")
    yield from (f"/console/accounts/{account.id}" for account in sandbox.accounts.list())
    for payload in payloads:
        asked = quote(payload, safe="")
        for page in ("/console/requests?account={0}&scheme={0}&code={0}&size={0}&before={0}", "/console/audit?account={0}&before={0}"):
            yield page.format(asked)
        for page in ("/console/try?scheme={0}&account={0}&keyid={0}", "/console/sign-in?next={0}&said={0}", "/console/{0}"):
            yield page.format(asked)
        for page in ("/console/accounts/{0}", "/console/catalogue/{0}", "/console/requests/{0}", "/explanations/{0}", "/console/?{0}={0}"):
            yield page.format(asked)


def console_pages(sandbox: Console, tally: Tally, payloads: Sequence[str] = PAYLOADS) -> None:
    """Every page of the console, after such texts were left wherever one can leave them."""
    leave_traces(sandbox, payloads)
    operator = sandbox.signed_in()
    for page in pages_with_traces(sandbox, operator, payloads):
        _judge(tally, operator.get(page), page)
    stranger = sandbox.visitor()
    for payload in payloads:
        asked = quote(payload, safe="")
        _judge(tally, stranger.get(f"/console/sign-in?next={asked}&said={asked}"), "sign-in")
        _judge(tally, stranger.post("/console/sign-in", {"name": payload, "password": payload, "next": payload}), "sign-in, refused")
        for form in ("/console/accounts/create", "/console/people/create", "/console/try/preview", "/console/try/send"):
            fields = dict.fromkeys(("title", "name", "account", "role", "keyid", "scheme", "method", "path", "body", "headers"), payload)
            _judge(tally, operator.post(form, fields), form)


def redirects(sandbox: Console, tally: Tally, *, every: int = 1) -> None:
    """Whoever signs in, or asks for what is not there, is sent nowhere else."""
    name = sandbox.person().name
    here = f"http://127.0.0.1:{sandbox.port}/console/sign-in"
    for target in (*ELSEWHERE, *_ODD_ENDS)[::every]:
        visitor = sandbox.visitor()
        visitor.get(f"/console/sign-in?next={quote(target, safe='')}")
        got = visitor.post("/console/sign-in", {"name": name, "password": PASSWORD, "next": target})
        _judge_location(tally, got.location, here, f"next={target!r}")
        _judge_location(tally, visitor.get(f"/console/sign-in?next={quote(target, safe='')}").location, here, f"signed in, next={target!r}")
        raw = target.encode("utf-8", "replace")
        if not any(each in raw for each in b" \r\n\t\0"):
            for line in (b"GET " + raw + b" HTTP/1.1\r\nHost: 127.0.0.1", b"GET /console/ HTTP/1.1\r\nHost: " + raw):
                answered = talk(sandbox.port, line + b"\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n", 5).answered
                found = re.search(rb"(?im)^location: *(.*?)\r?$", answered.partition(b"\r\n\r\n")[0])
                _judge_location(tally, found[1].decode("latin-1") if found else "", here, repr(line))


def _judge_location(tally: Tally, location: str, here: str, where: str) -> None:
    """As a browser reads it: backslashes are slashes, tabs and line ends are not there."""
    read = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    found = urlsplit(urljoin(here, read))
    if not location:
        tally.held("not redirected")
    elif (found.scheme, found.netloc) == urlsplit(here)[:2]:
        tally.held("redirected within the console")
    else:
        tally.through(f"{where}: {location}")


def spreadsheet(sandbox: Console, tally: Tally) -> None:
    """Formulas in what the audit trail's file repeats."""
    formulas = ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil.example")', "=cmd|' /C calc'!A0", '","=1+1', "', =1")
    for formula in formulas:
        account = sandbox.accounts.create(f"sums-{next(_NUMBERS)}", formula, actor=formula)
        sandbox.credentials.create(account.id, "fiserv-payments", label=formula, actor=formula)
        sandbox.accounts.create(f"sums-{next(_NUMBERS)}", actor=f"{ACTOR}{formula}")
    rows = list(csv.reader(sandbox.signed_in().get("/console/audit.csv").text.splitlines()))
    for row in rows[1:]:
        for cell in row:
            if cell[:1] in "=+-@\t\r" and cell:
                tally.through(f"a cell {cell[:40]!r}")
            else:
                tally.held("a cell of text")
