"""The fast path: a good request of a usual scheme, verified in one go.

Most schemes send keyid, id, time and signature, each in a header of its own, and sign some of them followed by the body. For these, two
functions are made when a `payseal.Verifier` is: `prover` makes the one that proves what was read, `whole` the one that also reads. They do
what `Verifier.read` and `Verifier.check` do, in the same order, with every intermediate thing left out: calls and objects are what verifying
costs beside the hash.

They only ever say yes. Whatever is not plainly good is left to the general path, which alone refuses and knows why; it is told how many MACs
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

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final, TypeAlias

from payseal.authenticated import Authenticated
from payseal.credentials import Credential
from payseal.mac import PreparedMac
from payseal.presented import arranged
from payseal.records import opened
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.boundaries import LEADING, UUID_LENGTH, displacing, other_reading

__all__ = ["END_OF_TIME", "Prove", "Verify", "prover", "whole"]

#: Eleven digits of seconds, which no scheme's time can have. Whoever says it is later, or is not a number, is no clock.
END_OF_TIME: Final = 10_000_000_000

#: From what stands before the body, the body, signature, keyid, access token, nonce, the time as it was sent and in milliseconds, credential
#: and this server's time (seconds): the proof, or how many MACs the general path need not compute again.
Prove: TypeAlias = Callable[[bytes, bytes, bytes, str, str | None, str, bytes, float, Credential | None, float], Authenticated | int]
#: From a request and ``now``: the proof; or this server's time and that number; or ``None`` where not even the clock was looked at.
Verify: TypeAlias = Callable[[Request, float | None], Authenticated | tuple[float, int] | None]

_Open: Final = opened(Authenticated)


def prover(scheme: Scheme, padding: PreparedMac) -> Prove | None:
    """What proves a request of this scheme; ``None`` for a scheme that is not of the usual kind. ``padding`` has a key that nobody has."""
    window, ids, rule = scheme.created, scheme.nonce, scheme.signature
    spellings = {length: rule.accepted(length)[0].spell for length in rule.lengths if len(rule.accepted(length)) == 1}
    if rule.base.leading is None or window is None or ids is None or not scheme.created_sent or scheme.names != "keyid":
        return None
    name, algorithm, source, prepared = scheme.name, rule.algorithm, rule.key, (rule.algorithm.name, rule.key)
    # `CreatedRule.fresh` and `CreatedRule.last_moment`, by the distances (milliseconds) from the signer's time to this server's.
    past, future = float(window.tolerance + window.format.granularity), float(window.future)
    guarded, displaced = scheme.guarded, displacing(ids.grammar)

    def prove(
        leading: bytes,
        body: bytes,
        signature: bytes,
        keyid: str,
        token: str | None,
        nonce: str,
        text: bytes,
        created: float,
        credential: Credential | None,
        seconds: float,
    ) -> Authenticated | int:
        spell = spellings.get(len(signature))
        if spell is None:
            return 0
        mac = padding
        if (
            credential is not None
            and credential.keyid == keyid
            and (credential.unbounded or credential.valid_at(seconds))
            and (token is None or not credential.has_token or credential.token_is(token))
            and (macs := credential.prepared.get(prepared) or credential.macs(algorithm, source))
        ):
            mac = macs[0]
        if not compare_digest(spell(mac.of_two(leading, body)), signature) or credential is None or mac is padding:
            return 1
        if not created - future <= seconds * 1000 < created + past:
            return 0
        if (
            guarded
            and (len(nonce) < UUID_LENGTH or body[:1] in displaced)
            and other_reading(nonce, text.decode(), body[:LEADING], window, ids.grammar, int(seconds * 1000))
        ):
            return 0
        made = _Open()
        made.scheme = name
        made.keyid = keyid
        made.account = credential.account
        made.nonce = nonce
        made.created = created / 1000
        made.id = nonce
        made.expires = (created + past) / 1000
        made.secret_index = 0
        made.__class__ = Authenticated
        authenticated: Authenticated = made
        return authenticated

    return prove


def whole(scheme: Scheme, prove: Prove, by_keyid: Callable[[str], Credential | None], clock: Callable[[], float]) -> Verify | None:
    """What reads and proves a request of this scheme; ``None`` where a header has more in it than one thing, or the time is not digits."""
    carried, leading = arranged(scheme), scheme.signature.base.raw_leading
    if carried is None or carried.around or not all(carried.required[at] for at in (0, 2, 3, 4)) or carried.keys[1] is not None:
        return None
    if leading is None or scheme.created is None or scheme.created.format.slots or scheme.nonce is None or not scheme.nonce.grammar.plain:
        return None
    # The names as text and, for headers that are still bytes, as those.
    text_keyid_key, text_nonce_key, text_created_key, text_signature_key = names = [str(carried.keys[at]) for at in (0, 2, 3, 4)]
    raw_keyid_key, raw_nonce_key, raw_created_key, raw_signature_key = (name.encode() for name in names)
    constants: tuple[tuple[Any, Any], ...] = carried.constants
    raw_constants: tuple[tuple[Any, Any], ...] = tuple((key.encode(), value.encode("latin-1")) for key, value in constants)
    width, granularity = scheme.created.format.width, float(scheme.created.format.granularity)
    ids = scheme.nonce.grammar
    least, most, members = ids.shortest, ids.longest or 0, ids.members

    def verify(request: Request, now: float | None) -> Authenticated | tuple[float, int] | None:
        body = request.body
        if type(body) is not bytes:
            return None
        get: Any
        signature_key: str | bytes
        try:
            if request.raw is not None:
                get, fixed, signature_key = request.raw.get, raw_constants, raw_signature_key
                raw_keyid, raw_nonce, text = get(raw_keyid_key), get(raw_nonce_key), get(raw_created_key)
                keyid, nonce = raw_keyid.decode("latin-1"), raw_nonce.decode("latin-1")
            else:
                get, fixed, signature_key = request.by_name.get, constants, text_signature_key
                keyid, nonce, text = get(text_keyid_key), get(text_nonce_key), get(text_created_key).encode()
                raw_keyid, raw_nonce = keyid.encode(), nonce.encode()
            if not text.isdigit() or len(text) != width or not least <= len(raw_nonce) <= most or raw_nonce.translate(None, members):
                return None
        except (AttributeError, UnicodeEncodeError):  # where a header is missing (None) or stands more than once (a list)
            return None
        if fixed:
            for key, value in fixed:
                if get(key) != value:
                    return None
        seconds = clock() if now is None else now
        if type(seconds) is not float or not 0.0 <= seconds < END_OF_TIME:
            return seconds, 0
        credential = by_keyid(keyid)
        signature = get(signature_key)
        if type(signature) is not bytes:
            if type(signature) is not str or not signature.isascii():
                return seconds, 0
            signature = signature.encode()
        found = prove(
            leading(raw_keyid, raw_nonce, text),
            body,
            signature,
            keyid,
            None,
            nonce,
            text,
            float(text) * granularity,
            credential,
            seconds,
        )
        return (seconds, found) if type(found) is int else found  # type: ignore[return-value]

    return verify
