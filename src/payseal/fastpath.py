"""The fast path: a good request of a usual scheme, verified in one go.

Most schemes send keyid, id, time and signature, each in a header of its own, and sign some of them followed by the body. For these, one
function is made when a `payseal.Verifier` is. It does what `Verifier.read` and `Verifier.check` do, in the same order, with every intermediate
thing left out: calls and objects are what verifying costs beside the hash.

It only ever says yes. Whatever is not plainly good is left to the general path, which alone refuses and knows why; it is told how many MACs
were computed here, so that a request that fails costs as many as ever, known key or not.

What surprises here, and why it is so:

- No name is given to a MAC or to its text, and a signature is named only where nothing can fail after it: a traceback may be logged with
  its locals.
- A request of an unknown or unfit credential is MACed as well, with a key that nobody has.
- Everything is bytes, since that is what a server gives, what is hashed, and what is quickest to ask: ``translate(None, members)`` is empty for
  a text of these characters only. A header that comes as text is encoded first; one that is not ASCII then fits nothing.
- Times in milliseconds are floats here. Up to 2 ** 53, three hundred thousand years from now, each is exact, and so is what is computed.
- Neither length nor characters of keyid and signature are looked at: both are compared with texts that have the right ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final, NamedTuple, Protocol

from payseal.authenticated import Authenticated
from payseal.credentials import Credential
from payseal.mac import PreparedMac
from payseal.presented import Presented, arranged
from payseal.records import opened
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.boundaries import LEADING, UUID_LENGTH, displacing, other_reading

__all__ = ["END_OF_TIME", "Prover", "prover"]

#: Eleven digits of seconds, which no scheme's time can have. Whoever says it is later, or is not a number, is no clock.
END_OF_TIME: Final = 10_000_000_000.0

_Open: Final = opened(Authenticated)


class Prove(Protocol):
    """Proves a request: the proof; or this server's time (seconds) and how many MACs the general path need not compute again; or ``None``
    where not even the clock was looked at."""

    def __call__(
        self, request: Request, now: float | None, presented: Presented | None = None, credential: Credential | None = None
    ) -> Authenticated | tuple[float, int] | None: ...


class Prover(NamedTuple):
    """The fast path of one verifier."""

    prove: Prove
    #: Whether it can read the request itself. If not, it must be given what was presented, and the credential that was found for it.
    reads: bool


def prover(
    scheme: Scheme,
    padding: PreparedMac,
    by_keyid: Callable[[str], Credential | None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Prover | None:
    """The fast path for requests of this scheme; ``None`` for a scheme that is not of the usual kind.

    ``padding`` has a key that nobody has. ``by_keyid`` finds a credential, where that takes no more than its keyid and has no effects.
    """
    window, ids, rule = scheme.created, scheme.nonce, scheme.signature
    raw_leading, in_order = rule.base.raw_leading, rule.base.in_order
    if raw_leading is None or window is None or ids is None or not scheme.created_sent or scheme.names != "keyid":
        return None
    spellings = {length: rule.accepted(length)[0].spell for length in rule.lengths if len(rule.accepted(length)) == 1}
    name, algorithm, source, prepared = scheme.name, rule.algorithm, rule.key, (rule.algorithm.name, rule.key)
    grammar, width, granularity = ids.grammar, window.format.width, float(window.format.granularity)
    least, most, members = grammar.shortest, grammar.longest or 0, grammar.members
    # `CreatedRule.fresh` and `CreatedRule.last_moment`, by the distances (milliseconds) from the signer's time to this server's.
    past, future = float(window.tolerance + window.format.granularity), float(window.future)
    guarded, displaced = scheme.guarded, displacing(grammar)
    headers = _headers(scheme) if by_keyid is not None else None
    find: Callable[[str], Credential | None] = by_keyid or (lambda keyid: None)
    # The names as text and, for headers that are still bytes, as those.
    keyid_name, nonce_name, created_name, signature_name = names = headers.names if headers else ("",) * 4
    raw_keyid_name, raw_nonce_name, raw_created_name, raw_signature_name = (each.encode() for each in names)
    constants: tuple[tuple[Any, Any], ...] = headers.constants if headers else ()
    raw_constants: tuple[tuple[Any, Any], ...] = tuple((key.encode(), value.encode("latin-1")) for key, value in constants)

    def prove(
        request: Request, now: float | None, presented: Presented | None = None, credential: Credential | None = None
    ) -> Authenticated | tuple[float, int] | None:
        body = request.body
        if type(body) is not bytes:
            return None
        get: Any
        key: str | bytes
        try:
            if presented is not None:
                keyid: Any = presented.keyid
                nonce: Any = presented.nonce
                token, text = presented.token, presented.created_text.encode()  # type: ignore[union-attr]
                raw_keyid, raw_nonce, created = keyid.encode(), nonce.encode(), float(presented.created)  # type: ignore[arg-type]
            else:
                token = None
                if request.raw is not None:
                    get, fixed, key = request.raw.get, raw_constants, raw_signature_name
                    raw_keyid, raw_nonce, text = get(raw_keyid_name), get(raw_nonce_name), get(raw_created_name)
                    keyid, nonce = raw_keyid.decode("latin-1"), raw_nonce.decode("latin-1")
                else:
                    get, fixed, key = request.by_name.get, constants, signature_name
                    keyid, nonce, text = get(keyid_name), get(nonce_name), get(created_name).encode()
                    raw_keyid, raw_nonce = keyid.encode(), nonce.encode()
                if not text.isdigit() or len(text) != width or not least <= len(raw_nonce) <= most or raw_nonce.translate(None, members):
                    return None
                created = float(text) * granularity
                if fixed:
                    for each, value in fixed:
                        if get(each) != value:
                            return None
        except (AttributeError, TypeError, UnicodeEncodeError):  # where a header is missing (None) or stands more than once (a list)
            return None
        seconds = clock() if now is None else now
        if type(seconds) is not float or not 0.0 <= seconds < END_OF_TIME:
            return seconds, 0
        if presented is None:
            credential, signature = find(keyid), get(key)
        elif presented.digests or len(presented.signatures) != 1:
            return seconds, 0
        else:
            signature = presented.signatures[0][0]
        if type(signature) is not bytes:
            if type(signature) is not str or not signature.isascii():
                return seconds, 0
            signature = signature.encode()
        spell = spellings.get(len(signature))
        if spell is None:
            return seconds, 0
        mac = padding
        if (
            credential is not None
            and credential.keyid == keyid
            and (credential.unbounded or credential.valid_at(seconds))
            and (token is None or not credential.has_token or credential.token_is(token))
            and (macs := credential.prepared.get(prepared) or credential.macs(algorithm, source))
        ):
            mac = macs[0]
        leading = raw_keyid + raw_nonce + text if in_order else raw_leading(raw_keyid, raw_nonce, text)
        if not compare_digest(spell(mac.of_two(leading, body)), signature) or credential is None or mac is padding:
            return seconds, 1
        if not created - future <= seconds * 1000.0 < created + past:
            return seconds, 0
        if (
            guarded
            and (len(nonce) < UUID_LENGTH or body[:1] in displaced)
            and other_reading(nonce, text.decode(), body[:LEADING], window, grammar, int(seconds * 1000))
        ):
            return seconds, 0
        made = _Open()
        made.scheme = name
        made.keyid = keyid
        made.account = credential.account
        made.nonce = nonce
        made.created = created / 1000.0
        made.id = nonce
        made.expires = (created + past) / 1000.0
        made.secret_index = 0
        made.__class__ = Authenticated
        authenticated: Authenticated = made
        return authenticated

    return Prover(prove, headers is not None)


class _Headers(NamedTuple):
    """Which headers carry keyid, nonce, time and signature; and those that always say the same."""

    names: tuple[str, ...]
    constants: tuple[tuple[str, str], ...]


def _headers(scheme: Scheme) -> _Headers | None:
    """``None`` where a header has more in it than one thing, an access token is sent, or the time is not digits."""
    carried = arranged(scheme)
    if carried is None or carried.around or not all(carried.required[at] for at in (0, 2, 3, 4)) or carried.keys[1] is not None:
        return None
    if scheme.created is None or scheme.created.format.slots or scheme.nonce is None or not scheme.nonce.grammar.plain:
        return None
    return _Headers(tuple(str(carried.keys[at]) for at in (0, 2, 3, 4)), carried.constants)
