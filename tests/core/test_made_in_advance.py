"""What is made in advance or kept: request ids, key states, texts of times, alphabets. The same as made one by one, and never twice."""

from __future__ import annotations

import dataclasses
import hmac
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.grammar import pattern
from payseal.mac import ALGORITHMS, PreparedMac
from payseal.schemes import nonces
from payseal.schemes.nonces import NONCE_FORMATS, NonceRule
from payseal.schemes.times import SHORT, CreatedRule, format_of

from .support import BODY, CATALOGUE, KEYID, NOW, credential, known, signer

FORMS = {"uuid4": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{11}[a-f]", "hex": r"[0-9a-f]{31}[a-f]"}
ANY_ID = pattern("[0-9a-f-]{1,64}")
each_format = pytest.mark.parametrize("name", NONCE_FORMATS)


def one_by_one(name: str, random: bytes) -> str:
    """An id as it is put together by hand."""
    text = random.hex()
    last = "abcdefabcdefabcd"[int(text[31], 16)]
    if name == "hex":
        return text[:31] + last
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:31]}{last}"


@each_format
@given(random=st.binary(min_size=16, max_size=16))
def test_an_id_is_its_random_bytes(name: str, random: bytes) -> None:
    rule, asked = NonceRule(name, ANY_ID), []

    def source(size: int) -> bytes:
        asked.append(size)
        return random

    assert rule.make(source) == rule.maker(source)() == one_by_one(name, random)
    assert asked == [16, 16]


@each_format
def test_ids_made_in_advance_have_the_form_and_are_random(name: str) -> None:
    make = NonceRule(name, ANY_ID).maker(os.urandom)
    made = [make() for _ in range(4_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(FORMS[name], each) for each in made)
    for at in range(len(made[0])):
        counts = Counter(each[at] for each in made)
        # A digit comes 250 times, a letter of six 500 to 750, one of four variants 1,000; or it is always the same one.
        expected = {1: 4_000, 4: 800, 6: 350, 16: 150}
        assert len(counts) in expected, (at, counts)
        assert min(counts.values()) >= expected[len(counts)], (at, counts)


@each_format
def test_no_two_threads_are_given_the_same_id(name: str) -> None:
    make = NonceRule(name, ANY_ID).maker(os.urandom)
    made: list[list[str]] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        made.append([make() for _ in range(3_000)])

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    every = [each for own in made for each in own]
    assert len(every) == len(set(every)) == 24_000


FORK = """
import os
early = []
os.register_at_fork(after_in_child=lambda: early.extend(ids(3)))  # a hook that signs, and runs before any of ours
import payseal
scheme = payseal.scheme("fiserv-payments")
signer = payseal.Signer(scheme, payseal.Credential("k", "s"))
request = payseal.Request("POST", "/", body=b"{}")
def ids(count):
    return [signer.sign(request)["Client-Request-Id"] for _ in range(count)]
ids(5)  # so that there are some in advance
reading, writing = os.pipe()
for child in range(3):
    if os.fork() == 0:
        os.write(writing, (" ".join(early + ids(300)) + "\\n").encode())
        os._exit(0)
    os.wait()
print(" ".join(ids(300)))
os.close(writing)
print(os.fdopen(reading).read())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks on this system")
def test_a_child_is_not_given_the_ids_of_its_parent() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True, timeout=60)
    every = done.stdout.split()
    assert len(every) == len(set(every)) == 300 + 3 * 303


@each_format
def test_a_source_that_fails_leaves_nothing_half_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make = NonceRule(name, ANY_ID).maker(os.urandom)
    nonces._forget()

    def fail(size: int) -> bytes:
        raise OSError("no randomness")

    with monkeypatch.context() as patch:
        patch.setattr(os, "urandom", fail)
        # A maker made meanwhile has another source, and so does not make in advance.
        for each in (make, NonceRule(name, ANY_ID).maker(fail)):
            with pytest.raises(OSError, match="no randomness"):
                each()
    made = [make() for _ in range(500)]
    assert len(set(made)) == 500
    assert all(re.fullmatch(FORMS[name], each) for each in made)


@pytest.mark.parametrize(
    "text", ["[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "[0-9a-f-]{36}|[A-Z]{4}", "[0-9a-f-]{36}"]
)
def test_an_id_that_was_made_is_looked_at_where_the_pattern_may_not_take_it(text: str) -> None:
    scheme = payseal.scheme("fiserv-payments", nonce={"pattern": text})
    signer = payseal.Signer(scheme, credential())
    assert scheme.nonce is not None
    assert scheme.nonce.accepts_its_own == (text == "[0-9a-f-]{36}")
    for _ in range(200):
        assert scheme.nonce.grammar.accepts(signer.sign(payseal.Request("POST", "/", body=BODY))["Client-Request-Id"])


def test_an_id_that_the_pattern_does_not_take_is_not_sent() -> None:
    rule = NonceRule("uuid4", pattern("[0-9a-f-]{35}[a-e]"))
    signer = payseal.Signer(dataclasses.replace(known("fiserv-payments"), nonce=rule), credential(), random=lambda size: b"\x05" * size)
    with pytest.raises(payseal.SigningError, match="nonce: not what"):
        signer.sign(payseal.Request("POST", "/", body=BODY))


# --- key states --------------------------------------------------------------------------------------------------------------


@given(
    key=st.one_of(st.binary(max_size=300), st.sampled_from([b"", bytes(64), bytes(65), bytes(128), bytes(129)])),
    pieces=st.lists(st.binary(max_size=200), max_size=4),
    name=st.sampled_from(["hmac-sha256", "hmac-sha384", "hmac-sha512"]),
)
def test_a_prepared_mac_is_the_librarys(key: bytes, pieces: list[bytes], name: str) -> None:
    algorithm = ALGORITHMS[name]
    prepared = PreparedMac(algorithm, key)
    for _ in range(2):  # the state that it starts from is not used up
        assert prepared.digest(pieces) == hmac.digest(key, b"".join(pieces), algorithm.hash)


# --- times -------------------------------------------------------------------------------------------------------------------


@given(seconds=st.one_of(st.floats(0, 1.1e10), st.floats(), st.integers(-10, 10**11)), name=st.sampled_from(["unix", "unix-ms"]))
def test_a_unix_time_is_written_alike_by_either_way(seconds: float, name: str) -> None:
    rule = CreatedRule(format_of(name), 1, 1)
    try:
        expected = rule.format.write(seconds * 1000 if isinstance(seconds, int) else math.floor(seconds * 1000 + SHORT))
    except (ValueError, OverflowError):
        with pytest.raises((ValueError, OverflowError)):
            rule.write(seconds)
    else:
        assert rule.write(seconds) == expected


@pytest.mark.parametrize("name", CATALOGUE)
@given(
    seconds=st.one_of(
        st.floats(1e9, 1.1e10), st.sampled_from([1e9, 9_999_999_999.0, 9_999_999_998.9999, NOW]), st.integers(10**9, 10**10 - 1)
    )
)
def test_what_is_signed_at_once_is_what_is_signed_step_by_step(name: str, seconds: float) -> None:
    request = payseal.Request("POST", "/v1", body=BODY)
    try:
        at_once = payseal.Signer(known(name), credential(), clock=lambda: seconds).sign(request)
    except payseal.SigningError:
        with pytest.raises(payseal.SigningError):
            signer(name).sign(request, created=seconds, nonce=None)
        return
    made = [value for value in at_once.values() if any(re.fullmatch(form, value) for form in FORMS.values())]
    step_by_step = signer(name).sign(request, created=seconds, nonce=made[0] if made else None)
    assert list(at_once.items()) == list(step_by_step.items())
    pieces = payseal.Request("POST", "/v1", body=[BODY[:5], BODY[5:]])
    assert signer(name).sign(pieces, created=seconds, nonce=made[0] if made else None) == at_once


@given(seconds=st.integers(0, 4_000_000_000), text=st.sampled_from(["%Y%m%d%H%M", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y", "%Y%m%d %H"]))
def test_the_text_of_a_pattern_is_that_of_its_moment(seconds: int, text: str) -> None:
    for zone, offset in (("UTC", 0), ("+01:00", 3_600), ("-14:00", -50_400), ("+05:30", 19_800)):
        form = FORMATS.setdefault(f"{text} {zone}", format_of(text, zone))
        if seconds + offset >= 0:
            assert form.write(seconds * 1000 + 999) == form.write(seconds * 1000) == time.strftime(text, time.gmtime(seconds + offset))
        assert len(form._lately) <= 256


FORMATS: dict[str, payseal.schemes.times.TimeFormat] = {}


def test_a_time_before_the_epoch_is_not_written_though_its_day_is_kept() -> None:
    form = format_of("%Y%m%d")
    assert form.write(0) == "19700101"
    for earlier in (-1, -86_400_000):
        with pytest.raises(ValueError, match="cannot be written"):
            form.write(earlier)


# --- alphabets ---------------------------------------------------------------------------------------------------------------

CLASSES = ["[A-Za-z0-9-]{1,64}", "[0-9a-f]{32}", r"\d{3,9}", r"\w{1,5}", "[a-c]", "(?:[a-c]{2})", "a{1,3}", r"[+/=\-\]]{2,3}"]


@given(text=st.one_of(st.text("abcf019-_+/=]\n", max_size=40), st.text(max_size=5)))
def test_a_class_is_all_that_a_plain_pattern_says(text: str) -> None:
    for source in CLASSES:
        grammar = pattern(source)
        assert grammar.accepts(text) == (re.fullmatch(source, text, re.ASCII) is not None), source
        if grammar.plain:
            fits = grammar.shortest <= len(text) <= (grammar.longest or 0) and text.isascii()
            assert grammar.accepts(text) == (fits and not text.encode().translate(None, grammar.members)), source


@pytest.mark.parametrize("source", ["ab{1,2}", "a|b", "(a)(b)", "[a-c]{2}d", "(?:a|bc)", "[a-c][a-c]"])
def test_a_pattern_of_several_parts_is_matched(source: str) -> None:
    assert not pattern(source).plain or pattern(source).match is not None
    assert pattern(source).match is not None


def test_only_a_plain_pattern_goes_unmatched() -> None:
    assert [pattern(source).plain for source in CLASSES] == [True, True, True, True, True, False, True, True]


def test_keys_and_ids_of_the_catalogue_are_plain() -> None:
    scheme = known("fiserv-payments")
    assert scheme.nonce is not None
    assert scheme.nonce.grammar.plain
    assert scheme.nonce.accepts_its_own
    assert payseal.Signer(scheme, credential()).sign(payseal.Request("POST", "/", body=BODY), created=NOW)["Api-Key"] == KEYID
