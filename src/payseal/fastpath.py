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
- ``encode().translate(None, members)`` is empty for a text of these characters only; it is the quickest way to ask.
- Times in milliseconds are floats here. Up to 2 ** 53, three hundred thousand years from now, each is exact, and so is what is computed.
- The characters of keyid and signature are not looked at: both are compared with texts that have the right ones.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final, TypeAlias

from payseal.authenticated import Authenticated
from payseal.credentials import KEYID, Credential
from payseal.mac import PreparedMac
from payseal.presented import arranged
from payseal.records import opened
from payseal.request import Request
from payseal.schemes import Scheme
from payseal.schemes.boundaries import LEADING, UUID_LENGTH, displacing, other_reading

__all__ = ["END_OF_TIME", "Prove", "Verify", "prover", "whole"]

#: Eleven digits of seconds, which no scheme's time can have. Whoever says it is later, or is not a number, is no clock.
END_OF_TIME: Final = 10_000_000_000

#: From body, keyid, access token, nonce, the time as text and in milliseconds, signature, credential and this server's time (seconds): the
#: proof, or how many MACs the general path need not compute again.
Prove: TypeAlias = Callable[[bytes, str, str | None, str, str, float, str, Credential | None, float], Authenticated | int]
#: From a request and ``now``: the proof; or this server's time and that number; or ``None`` where not even the clock was looked at.
Verify: TypeAlias = Callable[[Request, float | None], Authenticated | tuple[float, int] | None]

_Open: Final = opened(Authenticated)


def prover(scheme: Scheme, padding: PreparedMac) -> Prove | None:
    """What proves a request of this scheme; ``None`` for a scheme that is not of the usual kind. ``padding`` has a key that nobody has."""
    leading, window, ids, rule = scheme.signature.base.leading, scheme.created, scheme.nonce, scheme.signature
    encoders = {length: rule.accepted(length)[0].encode for length in rule.lengths if len(rule.accepted(length)) == 1}
    if leading is None or window is None or ids is None or not scheme.created_sent or scheme.names != "keyid":
        return None
    name, algorithm, source, prepared = scheme.name, rule.algorithm, rule.key, (rule.algorithm.name, rule.key)
    # `CreatedRule.fresh` and `CreatedRule.last_moment`, by the distances (milliseconds) from the signer's time to this server's.
    past, future = float(window.tolerance + window.format.granularity), float(window.future)
    guarded, displaced = scheme.guarded, displacing(ids.grammar)

    def prove(
        body: bytes,
        keyid: str,
        token: str | None,
        nonce: str,
        text: str,
        created: float,
        signature: str,
        credential: Credential | None,
        seconds: float,
    ) -> Authenticated | int:
        encode = encoders.get(len(signature))
        if encode is None or not signature.isascii():
            return 0
        macs: tuple[PreparedMac, ...] = ()
        if (
            credential is not None
            and credential.keyid == keyid
            and (credential.not_before is None or seconds >= credential.not_before)
            and (credential.not_after is None or seconds < credential.not_after)
            and (token is None or not credential.has_token or credential.token_is(token))
        ):
            macs = credential.prepared.get(prepared) or credential.macs(algorithm, source)
        mac = macs[0] if macs else padding
        if not compare_digest(encode(mac.of_two(leading(keyid, nonce, text), body)), signature) or not macs or credential is None:
            return 1
        if not created - future <= seconds * 1000 < created + past:
            return 0
        if (
            guarded
            and (len(nonce) < UUID_LENGTH or body[:1] in displaced)
            and other_reading(nonce, text, body[:LEADING], window, ids.grammar, int(seconds * 1000))
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
    carried = arranged(scheme)
    if carried is None or carried.around or not all(carried.required[at] for at in (0, 2, 3, 4)) or carried.keys[1] is not None:
        return None
    if scheme.created is None or scheme.created.format.slots or scheme.nonce is None or not scheme.nonce.grammar.plain:
        return None
    keyid_key, _, nonce_key, created_key, signature_key = carried.keys
    constants: tuple[tuple[Any, Any], ...] = carried.constants
    # The same for headers that are still bytes.
    raw_keyid, raw_nonce, raw_created, raw_signature = (str(carried.keys[at]).encode() for at in (0, 2, 3, 4))
    raw_constants: tuple[tuple[Any, Any], ...] = tuple((key.encode(), value.encode("latin-1")) for key, value in constants)
    width, granularity = scheme.created.format.width, float(scheme.created.format.granularity)
    ids = scheme.nonce.grammar
    least, most, members, longest_keyid = ids.shortest, ids.longest or 0, ids.members, KEYID.longest or 0

    def verify(request: Request, now: float | None) -> Authenticated | tuple[float, int] | None:
        get: Any
        signed: Any
        if (raw := request.raw) is None:
            get, fixed, signed = request.by_name.get, constants, signature_key  # a list where a header stands more than once
            keyid, nonce, text = get(keyid_key), get(nonce_key), get(created_key)
            if type(keyid) is not str or type(nonce) is not str or type(text) is not str or type(request.body) is not bytes:
                return None
        else:
            get, fixed, signed = raw.get, raw_constants, raw_signature
            keyid, nonce, text = get(raw_keyid), get(raw_nonce), get(raw_created)
            if keyid is None or nonce is None or text is None or type(request.body) is not bytes:
                return None
            keyid, nonce, text = keyid.decode("latin-1"), nonce.decode("latin-1"), text.decode("latin-1")
        if (
            len(keyid) > longest_keyid
            or not keyid.isascii()
            or not least <= len(nonce) <= most
            or not nonce.isascii()
            or nonce.encode().translate(None, members)
        ):
            return None
        if len(text) != width or not text.isascii() or not text.isdigit():
            return None
        if fixed:
            for key, value in fixed:
                if get(key) != value:
                    return None
        seconds = clock() if now is None else now
        if type(seconds) is not float or not 0.0 <= seconds < END_OF_TIME:
            return seconds, 0
        signature = get(signed)
        if type(signature) is not str:
            if type(signature) is not bytes:
                return seconds, 0
            signature = signature.decode("latin-1")
        found = prove(request.body, keyid, None, nonce, text, float(text) * granularity, signature, by_keyid(keyid), seconds)
        return (seconds, found) if type(found) is int else found  # type: ignore[return-value]

    return verify
