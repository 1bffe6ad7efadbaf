"""A secret, an access token, an expected MAC: never in a text, a log, a pickle, an exception, or the locals that a traceback shows."""

from __future__ import annotations

import copy
import hmac
import io
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal.errors import PaysealError
from payseal.mac import ENCODINGS

from .support import BODY, CATALOGUE, KEYID, NONCE, NOW, SECRET, TOKEN, credential, known, rejection, signer, verifier

SOURCE = str(Path(payseal.__file__).parent)
OLD = "an-older-secret-of-theirs"
URL = {"Content-Type": "application/json"}


def good(name: str | payseal.Scheme) -> payseal.Request:
    return payseal.Request(
        "POST", "/v1", URL | signer(name).sign(payseal.Request("POST", "/v1", URL, BODY), created=NOW, nonce=NONCE), BODY
    )


def expected_macs() -> set[str]:
    """Every spelling of the MACs that are right for the requests here, and the leading half of each."""
    found = set()
    for name in CATALOGUE:
        scheme = known(name)
        base = payseal.Signer(scheme, credential()).signature_base(payseal.Request("POST", "/v1", body=BODY), created=NOW, nonce=NONCE)
        for key in (SECRET, TOKEN, OLD):
            for encoding in ENCODINGS.values():
                found.add(encoding.encode(hmac.digest(key.encode(), base, scheme.signature.algorithm.hash)))
    return found | {text[: len(text) // 2] for text in found}


def forms(key: str) -> set[str]:
    raw = key.encode()
    return {key, key[:12], key[-12:], raw.hex(), repr(list(raw))} | {encoding.encode(raw) for encoding in ENCODINGS.values()}


HIDDEN = forms(SECRET) | forms(TOKEN) | forms(OLD) | expected_macs()


def assert_shows_nothing(text: str, what: str) -> None:
    for hidden in HIDDEN:
        assert hidden not in text, f"{what} shows a secret, a token or a MAC"


def ways_to_show(thing: object) -> Iterator[tuple[str, str]]:
    yield "repr", repr(thing)
    yield "str", str(thing)
    yield "format", f"{thing} {thing!s} {thing!r} {thing!a} {thing:}"
    yield "percent", "%s %r" % (thing, thing)  # noqa: UP031
    yield "pprint", pprint.pformat(thing) + pprint.pformat([thing]) + pprint.pformat({"it": thing})
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    logger.error("%s %r", thing, [thing])
    yield "log", stream.getvalue()


def walked(thing: object) -> Iterator[tuple[str, str]]:
    """What is found by going through an object's attributes, private ones too."""
    yield "vars", repr(getattr(thing, "__dict__", None))
    for name in dir(thing):
        value = getattr(thing, name, None)
        if not name.startswith("__") or isinstance(value, Mapping | tuple | list | str | bytes):
            yield name, f"{value!r} {value!s}"
    for kind in type(thing).__mro__:
        for name in getattr(kind, "__slots__", ()):
            yield name, repr(getattr(thing, name, None))


HOLDERS: dict[str, Callable[[], object]] = {
    "credential": credential,
    "rotating credential": lambda: credential(secret=[OLD, SECRET]),
    "used credential": lambda: signer("commercehub-digest").credential,
    **{f"signer {name}": lambda name=name: signer(name) for name in CATALOGUE},  # type: ignore[misc]
    **{f"verifier {name}": lambda name=name: verifier(name, secret=[OLD, SECRET]) for name in CATALOGUE},  # type: ignore[misc]
    **{f"authenticated {name}": lambda name=name: verifier(name).verify(good(name), now=NOW) for name in CATALOGUE},  # type: ignore[misc]
}
#: These have the token, or the signature that was sent, for whoever asks for it by name; they show neither.
CARRIERS: dict[str, Callable[[], object]] = {
    **{f"request {name}": lambda name=name: good(name) for name in CATALOGUE},  # type: ignore[misc]
    **{f"presented {name}": lambda name=name: verifier(name).read(good(name)) for name in CATALOGUE},  # type: ignore[misc]
}


@pytest.mark.parametrize("make", (HOLDERS | CARRIERS).values(), ids=list(HOLDERS | CARRIERS))
def test_nothing_shows_a_secret(make: Callable[[], object]) -> None:
    for way, text in ways_to_show(make()):
        assert_shows_nothing(text, way)


@pytest.mark.parametrize("make", HOLDERS.values(), ids=list(HOLDERS))
def test_no_attribute_shows_a_secret(make: Callable[[], object]) -> None:
    for way, text in walked(make()):
        assert_shows_nothing(text, way)


@pytest.mark.parametrize("make", HOLDERS.values(), ids=list(HOLDERS))
@pytest.mark.parametrize("leave", [copy.copy, copy.deepcopy])
def test_a_copy_shows_no_more(make: Callable[[], object], leave: Callable[[object], object]) -> None:
    try:
        other = leave(make())
    except TypeError as error:
        assert_shows_nothing(f"{error}{error.args}", "the refusal")
        return
    for way, text in (*ways_to_show(other), *walked(other)):
        assert_shows_nothing(text, way)


@pytest.mark.parametrize(
    "make",
    [make for name, make in (HOLDERS | CARRIERS).items() if not name.startswith(("authenticated", "request"))],
    ids=[name for name in HOLDERS | CARRIERS if not name.startswith(("authenticated", "request"))],
)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_holds_a_secret_is_not_pickled(make: Callable[[], object], protocol: int) -> None:
    stream = io.BytesIO()
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)) as caught:
        pickle.dump(make(), stream, protocol)
    assert_shows_nothing(stream.getvalue().decode("latin-1"), "the part that was written")
    assert_shows_nothing(f"{caught.value}", "the refusal")


def test_a_credential_does_not_change() -> None:
    it = credential()
    for name in ("keyid", "account", "not_after", "_secrets", "_token", "new"):
        with pytest.raises(AttributeError, match="make a new one"):
            setattr(it, name, "x")
        with pytest.raises(AttributeError):
            delattr(it, name)
    assert copy.copy(it) is copy.deepcopy(it) is it


def test_equality_of_secrets_is_no_equality_of_credentials() -> None:
    assert credential() != credential()
    assert len({credential(), credential()}) == 2


def test_text_is_used_exactly_as_it_is_given() -> None:
    """Nothing is trimmed or decoded: a key with a newline is another key."""
    for secret in ("s", " s", "s\n", "cw==", "73", b"s\xff", "ключ", "é", "é"):
        request = payseal.Request("POST", "/", body=BODY)
        scheme = known("startbutton-webhook")
        made = payseal.Signer(scheme, payseal.Credential(secret=secret)).sign(request)
        raw = secret if isinstance(secret, bytes) else secret.encode()
        assert made == {"x-startbutton-signature": hmac.digest(raw, BODY, "sha512").hex()}


# --- exceptions --------------------------------------------------------------------------------------------------------------


class Torn:
    """A body that breaks off, from the given pass on."""

    def __init__(self, passes: int = 0) -> None:
        self.passes = passes

    def __iter__(self) -> Iterator[bytes]:
        yield BODY[:5]
        if self.passes <= 0:
            raise OSError("the disk is gone")
        self.passes -= 1
        yield BODY[5:]


class Unreachable(dict[Any, payseal.Credential]):
    """Credentials in a database that has gone since the verifier was made."""

    gone = False

    def get(self, key: object, default: object = None) -> Any:
        raise ConnectionError("the database is gone")

    def values(self) -> Any:
        if self.gone:
            raise ConnectionError("the database is gone")
        return super().values()


def unreachable(name: str) -> payseal.Verifier:
    credentials = Unreachable({KEYID: credential()})
    made = payseal.Verifier(known(name), credentials)
    credentials.gone = True
    return made


def with_headers(name: str, body: Any = BODY, **changes: str | None) -> payseal.Request:
    """A good request with headers changed, or left out where they are None."""
    changed = {key.replace("_", "-"): value for key, value in changes.items()}
    kept = [(key, value) for key, value in good(name).headers if key not in changed]
    return payseal.Request("POST", "/v1", kept + [(key, value) for key, value in changed.items() if value is not None], body)


def fail(*arguments: object) -> Any:
    raise RuntimeError("no randomness, no clock")


COVERS = {"signature": {"base": "{keyid}\n{nonce}\n{header:Authorization}\n{header:X-Other}\n{created}{body}"}}
FAILING: dict[str, Callable[[], object]] = {
    # making
    "keyid with a space": lambda: credential(keyid="a b"),
    "keyid of bytes": lambda: credential(keyid=b"a"),
    "keyid of a number": lambda: credential(keyid=5),
    "token with a newline": lambda: credential(token=f"{TOKEN}\n"),
    "token of bytes": lambda: credential(token=TOKEN.encode()),
    "an empty secret among others": lambda: credential(secret=[OLD, "", SECRET]),
    "a secret that is no text": lambda: credential(secret=[SECRET, 5]),
    "a secret that is no secret": lambda: credential(secret={SECRET: OLD}),
    "a secret of a number": lambda: credential(secret=12345),
    "a secret that UTF-8 does not have": lambda: credential(secret=f"{SECRET}\ud800"),
    "an account that is no text": lambda: credential(account=5),
    "validity that is no number": lambda: credential(not_after="2026"),
    "two of one secret": lambda: payseal.Verifier(known("fiserv-payments"), {"a": credential(keyid="a"), "ab": credential(keyid="ab")}),
    "nobody named, two credentials": lambda: payseal.Verifier(
        known("startbutton-webhook"), {"a": credential(), "b": credential(secret=OLD)}
    ),
    "signer without a secret": lambda: signer("fiserv-payments", secret=None),
    "signer without a token": lambda: signer("commercehub-digest", token=None),
    "signer without a keyid": lambda: signer("fiserv-payments", keyid=None),
    "verifier without a key": lambda: payseal.Verifier(known("commercehub-digest-sha256"), credential()),
    # signing
    "nonce": lambda: signer("commercehub-digest").sign(payseal.Request("POST", "/"), created=NOW, nonce="a b"),
    "created": lambda: signer("commercehub-digest").sign(payseal.Request("POST", "/"), created=float("nan")),
    "created too late": lambda: signer("commercehub-digest").sign(payseal.Request("POST", "/"), created=10**12),
    "signing a torn body": lambda: signer("commercehub-digest").sign(payseal.Request("POST", "/", body=Torn()), created=NOW),
    "a base of a torn body": lambda: signer("commercehub-digest").signature_base(payseal.Request("POST", "/", body=Torn()), created=NOW),
    "signing without a clock": lambda: payseal.Signer(known("commercehub-digest"), credential(), clock=fail).sign(
        payseal.Request("POST", "/")
    ),
    "signing without randomness": lambda: payseal.Signer(known("commercehub-digest"), credential(), random=fail).sign(
        payseal.Request("POST", "/"), created=NOW
    ),
    "a covered header that is missing": lambda: signer(payseal.scheme("commercehub-digest", **COVERS)).sign(
        payseal.Request("POST", "/"), created=NOW
    ),
    "a covered header that is malformed": lambda: signer(payseal.scheme("commercehub-digest", **COVERS)).sign(
        payseal.Request("POST", "/", {"X-Other": "é"}), created=NOW
    ),
    # verifying
    "a token repeated": lambda: verifier("commercehub-digest").verify(
        payseal.Request("POST", "/", [*good("commercehub-digest").headers, ("Authorization", f"Bearer {TOKEN}")], BODY), now=NOW
    ),
    "a token with a space": lambda: verifier("commercehub-digest").verify(
        with_headers("commercehub-digest", Authorization=f"Bearer {TOKEN} "), now=NOW
    ),
    "a token without its word": lambda: verifier("commercehub-digest").verify(
        with_headers("commercehub-digest", Authorization=TOKEN), now=NOW
    ),
    "a token with a newline": lambda: verifier("commercehub-digest").verify(
        with_headers("commercehub-digest", Authorization=f"Bearer {TOKEN}\n"), now=NOW
    ),
    "a digest missing": lambda: verifier("commercehub-digest").verify(with_headers("commercehub-digest", Message_Digest=None), now=NOW),
    "a digest malformed": lambda: verifier("commercehub-digest").verify(with_headers("commercehub-digest", Message_Digest="zz"), now=NOW),
    "a time malformed": lambda: verifier("commercehub-digest").verify(with_headers("commercehub-digest", Timestamp="x"), now=NOW),
    "a wrong signature": lambda: verifier("commercehub-digest").verify(with_headers("commercehub-digest", b"other"), now=NOW),
    "a wrong token": lambda: verifier("commercehub-digest", token="wrong").verify(good("commercehub-digest"), now=NOW),
    "a wrong secret": lambda: verifier("fiserv-payments", secret="wrong").verify(good("fiserv-payments"), now=NOW),
    "a wrong body": lambda: verifier("fiserv-payments").verify(with_headers("fiserv-payments", b"other"), now=NOW),
    "a wrong body, rotating": lambda: verifier("fiserv-payments", secret=[OLD, SECRET]).verify(
        with_headers("fiserv-payments", b"x"), now=NOW
    ),
    "a wrong body, unsent time": lambda: verifier("startbutton-transfer").verify(with_headers("startbutton-transfer", b"x"), now=NOW),
    "an unknown key": lambda: payseal.Verifier(known("fiserv-payments"), {}).verify(good("fiserv-payments"), now=NOW),
    "an expired key": lambda: verifier("fiserv-payments", not_after=NOW).verify(good("fiserv-payments"), now=NOW),
    "stale": lambda: verifier("commercehub-digest").verify(good("commercehub-digest"), now=NOW + 1000),
    "ambiguous": lambda: verifier("fiserv-payments").verify(
        payseal.Request(
            "POST",
            "/",
            {
                "Api-Key": KEYID,
                "Client-Request-Id": NONCE,
                "Timestamp": "1782000123000",
                "Message-Signature": ENCODINGS["base64"].encode(
                    hmac.digest(SECRET.encode(), f"{KEYID}{NONCE}17820001230001782000123000".encode(), "sha256")
                ),
            },
            b"1782000123000",
        ),
        now=NOW,
    ),
    "no clock": lambda: verifier("commercehub-digest").verify(good("commercehub-digest"), now=float("nan")),
    "a covered header that is missing, verifying": lambda: verifier(payseal.scheme("commercehub-digest", **COVERS)).verify(
        good("commercehub-digest"), now=NOW
    ),
    "a covered header that is malformed, verifying": lambda: verifier(payseal.scheme("commercehub-digest", **COVERS)).verify(
        with_headers("commercehub-digest", X_Other="\t"), now=NOW
    ),
    **{
        f"a torn body, {name}, pass {passes}": lambda name=name, passes=passes: verifier(name, secret=[OLD, "x"]).verify(  # type: ignore[misc]
            with_headers(name, Torn(passes)), now=NOW
        )
        for name in ("fiserv-payments", "startbutton-transfer")
        for passes in (0, 1)
    },
    "a torn body, keyed with the token": lambda: verifier("commercehub-digest").verify(with_headers("commercehub-digest", Torn()), now=NOW),
    "a database that is gone, by keyid": lambda: unreachable("commercehub-digest").verify(good("commercehub-digest"), now=NOW),
    "a database that is gone, by token": lambda: unreachable("startbutton-transfer").verify(good("startbutton-transfer"), now=NOW),
}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it came from, suppressed or not."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        here = waiting.pop()
        if here is not None and id(here) not in seen:
            seen.add(id(here))
            yield here
            waiting += [here.__cause__, here.__context__]


@pytest.mark.parametrize("call", FAILING.values(), ids=list(FAILING))
def test_a_failure_shows_nothing(call: Callable[[], object]) -> None:
    with pytest.raises((PaysealError, OSError, RuntimeError)) as caught:
        call()
    for error in chain(caught.value):
        assert_shows_nothing(f"{error}{error!r}{error.args!r}{error.__dict__!r}", type(error).__name__)
        for name in dir(error):
            assert_shows_nothing(repr(getattr(error, name, None)), f"{type(error).__name__}.{name}")
        frames = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True).stack
        ours = [frame for frame in frames if frame.filename.startswith(SOURCE)]
        for frame in ours:
            assert_shows_nothing(f"{frame.locals}", f"a local of {frame.name}")


def test_the_failures_fail_in_our_frames() -> None:
    """The check above looks at something."""
    for name, call in FAILING.items():
        with pytest.raises((PaysealError, OSError, RuntimeError)) as caught:
            call()
        assert any(frame.filename.startswith(SOURCE) for frame in traceback.extract_tb(caught.value.__traceback__)), name


def test_a_rejection_says_where_it_was_raised_without_what_was_sent() -> None:
    refused = rejection(FAILING["a digest malformed"])
    assert refused.__cause__ is refused.__context__ is None
    assert [frame.name for frame in traceback.extract_tb(refused.__traceback__) if frame.filename.startswith(SOURCE)] == ["verify", "read"]


# --- rotation ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CATALOGUE if known(name).signature.key == "secret"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_newest_secret_signs_and_all_verify(name: str, count: int) -> None:
    secrets = ["first", "second", "third", "fourth"][:count]
    rotating = credential(secret=secrets)
    request = payseal.Request("POST", "/v1", body=BODY)
    made = payseal.Signer(known(name), rotating).sign(request, created=NOW, nonce=NONCE)
    assert made == payseal.Signer(known(name), credential(secret=secrets[-1])).sign(request, created=NOW, nonce=NONCE)
    check = payseal.Verifier(known(name), {KEYID: rotating})
    ids = set()
    for age, secret in enumerate(reversed(secrets)):
        signed = payseal.Signer(known(name), credential(secret=secret)).sign(request, created=NOW, nonce=NONCE)
        accepted = check.verify(payseal.Request("POST", "/v1", signed, BODY), now=NOW)
        assert accepted.secret_index == age
        ids.add(accepted.id)
    assert len(ids) == 1
    removed = payseal.Signer(known(name), credential(secret="zeroth")).sign(request, created=NOW, nonce=NONCE)
    assert rejection(lambda: check.verify(payseal.Request("POST", "/v1", removed, BODY), now=NOW)).code == "invalid-signature"


def test_keys_may_come_and_go_while_a_verifier_is_in_use() -> None:
    known_credentials = {KEYID: credential()}
    check = payseal.Verifier(known("fiserv-payments"), known_credentials)
    assert check.verify(good("fiserv-payments"), now=NOW).keyid == KEYID
    del known_credentials[KEYID]
    assert rejection(lambda: check.verify(good("fiserv-payments"), now=NOW)).diagnosis == "credential-unknown"
    known_credentials[KEYID] = credential(secret=[SECRET, "newer"])
    assert check.verify(good("fiserv-payments"), now=NOW).secret_index == 1


def test_an_empty_secret_is_no_secret() -> None:
    for empty in ("", b"", [], [""], None):
        with pytest.raises(payseal.CredentialError, match="the credential has none: pass secret=…"):
            signer("fiserv-payments", secret=empty)


def test_validity_has_a_beginning_and_an_end() -> None:
    bounded = credential(not_before=NOW, not_after=NOW + 1)
    assert [bounded.valid_at(moment) for moment in (NOW - 0.001, NOW, NOW + 0.999, NOW + 1, float("nan"))] == [
        False,
        True,
        True,
        False,
        False,
    ]
