"""A request made of what a server gives says the same as one made in any other way."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.request import Request

from .support import BODY, CATALOGUE, NOW, signer, verifier

NAMES = st.one_of(st.sampled_from([b"host", b"api-key", b"Api-Key", b"timestamp", b"", b"\xe9", b"k\xff", b"X"]), st.binary(max_size=6))
PAIRS = st.lists(st.tuples(NAMES, st.binary(max_size=6)), max_size=6)


def said(request: Request, names: list[str]) -> tuple[Any, ...]:
    return request.headers, request.by_name, [request.values(name) for name in names]


@given(pairs=PAIRS, asked_first=st.booleans())
def test_headers_left_as_they_came_say_the_same(pairs: list[tuple[bytes, bytes]], asked_first: bool) -> None:
    names = [name.decode("latin-1") for name, _ in pairs] + ["host", "api-key", "timestamp", "\u212a", "absent"]
    left, taken = Request("POST", "/", pairs), Request("POST", "/", tuple(pairs))
    assert taken.raw is None
    if asked_first:  # before anybody has looked at the others
        assert [left.values(name) for name in names] == [taken.values(name) for name in names]
    assert said(left, names) == said(taken, names)


def test_they_are_left_where_a_server_gives_them() -> None:
    pairs = [(b"host", b"pay.example"), (b"api-key", b"key-1")]
    request = Request("POST", "/", pairs)
    assert request.raw == dict(pairs)
    pairs.append((b"api-key", b"another"))  # the server's own list, which it may go on using
    assert request.headers == (("host", "pay.example"), ("api-key", "key-1"))


@pytest.mark.parametrize(
    "pairs",
    [
        [(b"api-key", b"1"), (b"api-key", b"2")],
        [(b"Api-Key", b"1")],
        [(b"api-key", "1")],
        [("api-key", b"1")],
        [(b"api-key", bytearray(b"1"))],
        [],
    ],
    ids=repr,
)
def test_they_are_not_where_anything_is_unusual(pairs: list[Any]) -> None:
    assert Request("POST", "/", pairs).raw is None


@pytest.mark.parametrize("pairs", [[(b"a", 1)], [(1, b"a")], [(b"a", b"b"), (b"c", None)], [(b"a", ["b"])]], ids=repr)
def test_what_is_no_text_is_a_mistake_of_the_caller_at_once(pairs: list[Any]) -> None:
    with pytest.raises(TypeError):
        Request("POST", "/", pairs)


def test_an_attribute_that_there_is_not_is_none() -> None:
    request = Request("POST", "/", [(b"host", b"pay.example")])
    assert not hasattr(request, "header")
    assert copy.copy(request).headers == request.headers == pickle.loads(pickle.dumps(request)).headers


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_scheme_verifies_headers_left_as_they_came(name: str) -> None:
    headers = signer(name).sign(Request("POST", "/v1", body=BODY), created=NOW)
    pairs = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    left = verifier(name).verify(Request("POST", "/v1", pairs, BODY), now=NOW)
    assert left == verifier(name).verify(Request("POST", "/v1", headers, BODY), now=NOW)
    for at, (key, value) in enumerate(pairs):
        for changed in ([*pairs[:at], (key, value + b"x"), *pairs[at + 1 :]], pairs[:at] + pairs[at + 1 :], [*pairs, pairs[at]]):
            assert outcome(name, changed) == outcome(name, tuple(changed))
            assert outcome(name, changed) != "accepted" or len(changed) < len(pairs)  # some schemes have a header that may be left out


def outcome(name: str, pairs: Any) -> str:
    try:
        verifier(name).verify(Request("POST", "/v1", pairs, BODY), now=NOW)
    except payseal.Rejected as rejected:
        return rejected.code
    return "accepted"
