"""The search itself: what is tried before what, that nothing is tried twice, and what is made only when it is needed."""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

import payseal
from payseal import Credential, Explanation, Request
from payseal.explain.bodies import Bodies
from payseal.explain.json_text import Layout, Style, parsed, sorted_tokens, style_of, tokens_of
from payseal.explain.keys import Key, Maker, baseline_maker, makers
from payseal.explain.received import Received
from payseal.explain.search import Search
from payseal.explain.shapes import baseline_shape, shapes
from payseal.explain.times import Times, times_of
from payseal.explain.variants import Dimension, Variant

NOW = 1_729_620_420.0
SECRET = "a-secret-for-this-test"
CREDENTIAL = Credential("key-1", SECRET)
BODY = b'{"b":{"d":1,"c":[{"z":"\\/","y":2.50}]},"a":"x"}'


def explained(sent: bytes, signed: bytes, *, created: float = NOW, timestamp: str | None = None, budget: float = 20) -> Explanation:
    """What is said of a body that was sent, where another was signed; ``timestamp`` is sent in place of the time that was signed."""
    scheme = payseal.scheme("fiserv-payments")
    headers = payseal.Signer(scheme, CREDENTIAL).sign(Request("POST", "/pay", body=signed), created=created)
    sent_headers = {key: timestamp if timestamp and key == "Timestamp" else value for key, value in headers.items()}
    return payseal.explain(Request("POST", "/pay", headers=sent_headers, body=sent), scheme, CREDENTIAL, now=NOW, budget=budget)


def codes(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.causes]


def recording(examined: list[bytes]) -> Maker:
    """An algorithm that never matches, and keeps what it was used on."""

    def mac(text: bytes) -> bytes:
        examined.append(text)
        return b""

    return lambda key: mac


class TestDimension:
    def test_variants_are_made_when_they_are_asked_for_and_once(self) -> None:
        made: list[int] = []

        def make(mistakes: int) -> Iterator[Variant[int]]:
            for value in range(10):
                made.append(value)
                yield Variant(value, ("code",) * mistakes)

        dimension = Dimension(make, [0])
        assert [variant.value for variant in dimension.of(1, 0, 2)] == [1, 2]
        assert made == [0, 1, 2]
        assert [variant.value for variant in dimension.of(1, 1, 4)] == [2, 3, 4]
        assert [variant.value for variant in dimension.of(1)] == list(range(1, 10))
        assert made == list(range(10))

    def test_what_fewer_mistakes_lead_to_is_not_said_to_take_more(self) -> None:
        dimension = Dimension(lambda mistakes: (Variant(value, ("code",) * mistakes) for value in range(mistakes, mistakes + 3)))
        assert [variant.value for variant in dimension.of(2)] == [4]


class TestBudget:
    def test_a_body_is_taken_apart_only_where_there_is_time(self) -> None:
        body = b"[%s]" % b", ".join(b"%d" % number for number in range(10_000))
        written_again = {"body-compacted", "body-indented", "body-number-format"}
        for seconds, expected in ((1e-6 * len(body), set()), (1.0, written_again)):
            left = functools.partial(float, seconds)
            assert written_again & {code for variant in Bodies(body, left).of(1) for code in variant.codes} == expected

    def test_nothing_is_made_after_the_time_is_up(self) -> None:
        left = iter([1.0] * 5)
        assert len(list(Bodies(BODY, lambda: next(left, 0.0)).of(1))) <= 5


class TestOrder:
    def search(self, *, examined: list[bytes]) -> Search:
        """A search that finds nothing, and keeps what it made MACs of."""
        scheme = payseal.scheme("fiserv-payments")
        rule = scheme.signature
        assert scheme.created is not None

        near: dict[str, Dimension[Any]] = {
            "body": Dimension(lambda mistakes: [Variant(b"body %d %d" % (mistakes, each), ("body",) * mistakes) for each in range(5)]),
            "created": Dimension(lambda mistakes: [Variant(f"time {mistakes} {each}", ("time",) * mistakes) for each in range(35)]),
            "nonce": Dimension(lambda mistakes: [Variant(f"nonce {each}", ("nonce",)) for each in range(7)]),
        }
        return Search(
            received=Received(["0" * 64], rule),
            key=Key(b"secret"),
            maker=recording(examined),
            shape=baseline_shape(rule.base.parts),
            texts={"{body}": b"body", "{keyid}": b"key", "{nonce}": b"nonce"},
            times=Times(["time"], Dimension(lambda mistakes: ())),
            near=near,
            digests={},
            time_left=lambda: 1.0,
        )

    def test_every_combination_is_tried_once(self) -> None:
        examined: list[bytes] = []
        search = self.search(examined=examined)
        assert search.run() is None
        assert search.finished
        assert search.examined == len(examined) == len(set(examined))
        bodies = {b"body"} | {b"body %d %d" % (mistakes, each) for mistakes in (1, 2, 3) for each in range(5)}
        times = {b"time"} | {b"time %d %d" % (mistakes, each) for mistakes in (1, 2, 3) for each in range(35)}
        nonces = {b"nonce"} | {b"nonce %d" % each for each in range(7)}

        def mistakes(text: bytes) -> int:
            words = text.split()
            return 1 if words[0] == b"nonce" and len(words) > 1 else int(words[1]) if len(words) > 1 else 0

        expected = {
            b"key" + nonce + created + body
            for nonce, created, body in itertools.product(nonces, times, bodies)
            if mistakes(nonce) + mistakes(created) + mistakes(body) <= 3
        }
        assert set(examined) == expected

    def test_no_text_is_signed_twice_for_one_mistake(self) -> None:
        """Where no time was sent either: a thing that the time does not change comes once."""
        scheme = payseal.scheme("startbutton-transfer")
        assert scheme.created is not None
        examined: list[bytes] = []

        times = times_of(scheme.created, None, int(NOW * 1000))
        search = Search(
            received=Received(["0" * 64], scheme.signature),
            key=Key(b"secret"),
            maker=recording(examined),
            shape=baseline_shape(scheme.signature.base.parts),
            texts={"{body}": BODY},
            times=times,
            near={"body": Bodies(BODY, lambda: 1.0), "created": times.near, "shape": shapes(scheme.signature.base.parts, [])},
            digests={},
            time_left=lambda: 1.0 if len(examined) < 1500 else 0.0,
        )
        assert search.run() is None
        assert not search.finished
        # A shape without the body, and a body that is empty, are the same text: two ways to say one thing.
        assert len(set(examined)) >= len(examined) * 0.97


class TestTimes:
    @pytest.mark.parametrize("timestamp", ["0000000000001", "9999999999999", "0000000001", "9999999999", "0000000000000"])
    def test_a_time_at_the_end_of_what_can_be_written_raises_nothing(self, timestamp: str) -> None:
        assert codes(explained(BODY, BODY + b"x", timestamp=timestamp, budget=0.1))

    @pytest.mark.parametrize("now", [0, 1, 59_999, 9_999_999_999_999])
    @pytest.mark.parametrize("name", ["fiserv-payments", "startbutton-transfer"])
    def test_all_times_can_be_made_at_any_time(self, name: str, now: int) -> None:
        rule = payseal.scheme(name).created
        assert rule is not None
        for sent in (f"{now:013d}", f"{now // 1000:010d}") if name == "fiserv-payments" else (None,):
            times = times_of(rule, sent, now)
            variants = [*times.near.of(1), *times.near.of(2)]
            for family in (*times.far, *times.farther, *times.farthest):
                variants += [family.variant(text.decode()) for text in family.texts()]
            assert all(variant.codes for variant in variants)

    @pytest.mark.parametrize("milliseconds", [1, -1, 8, -8, 9, -9, 100, -100, 101, 1000, -1000, 1001, -1001, 2863, -4310, 5000, -5000])
    def test_a_time_taken_twice_is_found_up_to_five_seconds_apart(self, milliseconds: int) -> None:
        explanation = explained(BODY, BODY, created=NOW + milliseconds / 1000, timestamp=str(int(NOW * 1000)))
        assert codes(explanation) == ["created-differs"]
        assert f" {abs(milliseconds)} ms " in explanation.causes[0].summary

    @pytest.mark.parametrize("milliseconds", [0, 1, 8, 9, 500, 999])
    def test_seconds_sent_where_milliseconds_were_signed_are_another_unit(self, milliseconds: int) -> None:
        explanation = explained(BODY, BODY, created=NOW + milliseconds / 1000, timestamp=str(int(NOW)))
        assert codes(explanation) == ["created-unit"]

    def test_near_times_come_before_far_ones(self) -> None:
        counts = [
            explained(BODY, BODY, created=NOW - milliseconds / 1000, timestamp=str(int(NOW * 1000))).examined
            for milliseconds in (3, 80, 900, 4900)
        ]
        assert counts == sorted(counts)
        assert counts[0] < 150
        assert counts[1] < 500
        assert counts[2] < 2_300
        assert counts[3] < 10_000

    def test_a_zone_is_told_from_the_schemes_own(self) -> None:
        rule = payseal.scheme("startbutton-transfer", created={"timezone": "+01:00"}).created
        assert rule is not None
        zones = {
            variant.value: variant.facts for variant in times_of(rule, None, 1_729_585_621_000).near.of(1) if "offset" in variant.facts
        }
        assert zones["202410220827"] == {"offset": "+00:00", "zone": "UTC+1"}
        assert "202410220927" not in zones
        assert zones["202410220727"]["offset"] == "-01:00"


class TestSlashes:
    PLAIN, ESCAPED = b'{"u":"https://a.example","n":1}', b'{"u":"https:\\/\\/a.example","n":1}'

    def test_the_sentence_says_which_way_round_they_were_escaped(self) -> None:
        there = explained(self.PLAIN, self.ESCAPED).causes
        assert [cause.code for cause in there] == ["body-escaped-slashes"]
        assert there[0].summary == "Slashes are escaped (\\/) in the text that was signed and not in the body that was sent."
        back = explained(self.ESCAPED, self.PLAIN).causes
        assert [cause.code for cause in back] == ["body-escaped-slashes"]
        assert back[0].summary == "Slashes are escaped (\\/) in the body that was sent and not in the text that was signed."

    def test_so_it_does_beside_another_mistake(self) -> None:
        found = explained(self.ESCAPED, json.dumps(json.loads(self.PLAIN)).encode()).causes
        assert [cause.code for cause in found] == ["body-respaced", "body-escaped-slashes"]
        assert "in the body that was sent and not in the text" in found[1].summary

    def test_another_order_of_keys_does_not_hide_them(self) -> None:
        assert codes(explained(self.ESCAPED, b'{"n":1,"u":"https:\\/\\/a.example"}')) == ["body-key-order"]
        assert codes(explained(self.ESCAPED, b'{"n":1,"u":"https://a.example"}')) == ["body-key-order", "body-escaped-slashes"]


class TestLayout:
    DOCUMENTS = (BODY, b'{"a":[],"b":{},"c":[{},[]],"d":[1,[2,[3]]],"e":null}', b"[]", b'"a"', b"1", b"[true,false,null]")

    @pytest.mark.parametrize("body", DOCUMENTS)
    @pytest.mark.parametrize("indent", [2, 4, "\t", None])
    def test_it_writes_as_json_does(self, body: bytes, indent: int | str | None) -> None:
        tokens = tokens_of(body.decode())
        document = json.loads(body)
        written = "\t" if indent == "\t" else " " * indent if isinstance(indent, int) else ""
        style = Style("," if indent else ", ", ": ", written, escape_slashes=False, number=lambda text: repr(json.loads(text)))
        assert Layout(tokens, {}).written(style) == json.dumps(document, indent=indent)

    @pytest.mark.parametrize("body", DOCUMENTS)
    def test_as_it_was_sent(self, body: bytes) -> None:
        tokens = tokens_of(body.decode())
        assert Layout(tokens, {}).written(style_of(body.decode(), tokens)) == body.decode()

    def test_keys_are_sorted_and_nothing_else_is_changed(self) -> None:
        tokens = tokens_of(BODY.decode())
        deep, top = (Layout(sorted_tokens(tokens, deep=deep), {}).written(Style()) for deep in (True, False))
        assert deep == '{"a":"x","b":{"c":[{"y":2.50,"z":"\\/"}],"d":1}}'
        assert top == '{"a":"x","b":{"d":1,"c":[{"z":"\\/","y":2.50}]}}'
        assert json.loads(deep) == json.loads(BODY)

    @pytest.mark.parametrize("text", ["[NaN]", '{"b":-Infinity,"a":Infinity}'])
    def test_what_only_some_parsers_take_is_kept(self, text: str) -> None:
        parsed(text)
        tokens = tokens_of(text)
        assert Layout(tokens, {}).written(Style()) == text
        assert sorted(sorted_tokens(tokens, deep=True)) == sorted(tokens)


def test_every_algorithm_agrees_with_hashlib() -> None:
    """The states that are prepared once give what one call gives."""
    scheme = payseal.scheme("fiserv-payments")
    for key in (b"short", b"k" * 200):
        assert baseline_maker(scheme)(Key(key))(b"text") == hmac.digest(key, b"text", "sha256")
        digest = hashlib.sha256(b"text").digest()
        made: dict[str, list[bytes]] = {}
        for variant in makers(scheme).of(1):
            mac = variant.value(Key(key))
            assert mac(b"text") == mac(b"text")
            made.setdefault(variant.codes[0], []).append(mac(b"text"))
        assert made["algorithm-unkeyed"] == [digest]
        assert made["algorithm-sha512"] == [hmac.digest(key, b"text", "sha512")]
        assert made["algorithm-secret-prefixed"] == [hashlib.sha256(key + b"text").digest()]
        assert made["algorithm-secret-suffixed"] == [hashlib.sha256(b"text" + key).digest()]
        right = hmac.digest(key, b"text", "sha256")
        assert made["algorithm-double-hash"] == [
            hmac.digest(key, digest.hex().encode(), "sha256"),
            hmac.digest(key, digest, "sha256"),
            hashlib.sha256(right).digest(),
            hashlib.sha256(right.hex().encode()).digest(),
        ]
        assert made["body-charset"][0] == hmac.digest(key, "text".encode("utf-16-le"), "sha256")
