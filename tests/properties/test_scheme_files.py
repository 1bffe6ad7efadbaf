"""Any content of a scheme file is a `SchemeError` that names the place, soon; or a scheme that signs, and takes what it signed."""

from __future__ import annotations

import copy
import json
import time
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.errors import REJECTIONS
from tests.hypothesis_profiles import TIMEOUT, settings

from .strategies import CATALOGUE, covered, tables

pytestmark = TIMEOUT

TEXTS: Final = {name: (resources.files("payseal.schemes") / "catalogue" / f"{name}.toml").read_text("utf-8") for name in CATALOGUE}
NOW: Final = 1_782_000_123.0
BODY: Final = b'{"amount":1000}'


def outcome(text: str, **overrides: Any) -> payseal.Scheme | payseal.SchemeError:
    """What a file's text comes to. It takes less than a second of the processor, and so does what is made of it."""
    began = time.thread_time()
    try:
        found: payseal.Scheme | payseal.SchemeError = payseal.Scheme.loads(text, **overrides)
    except payseal.SchemeError as error:
        found = error
    assert time.thread_time() - began < 1
    if isinstance(found, payseal.SchemeError):
        assert found.file
        assert found.remedy
        assert isinstance(found.key, str)
        assert str(found).startswith(f"{found.file}: {found.key}")
    return found


def works(scheme: payseal.Scheme) -> None:
    """It signs a request, accepts it, and words every refusal."""
    credential = payseal.Credential("merchant-1", "a secret", "a-token")
    names = {part.header for part in covered(scheme) if part.header} - {rule.key for rule in scheme.headers} - {"host"}
    pairs = [("Host", "api.example"), *((name, "some text") for name in names)]
    request = payseal.Request("POST", "/v1?a=b", pairs, BODY)
    # Only what the scheme leaves to the request can be missing from it: a header of the scheme's own name that an id does not fit, say.
    headers = payseal.Signer(scheme, credential).sign(request, created=NOW)
    own = {name.lower() for name in headers}
    arriving = payseal.Request(
        "POST", "/v1?a=b", [*((name, value) for name, value in pairs if name.lower() not in own), *headers.items()], BODY
    )
    check = payseal.Verifier(scheme, credential, allow_unkeyed=True)
    began = time.thread_time()
    assert check.verify(arriving, now=NOW).scheme == scheme.name
    assert time.thread_time() - began < 0.2
    for name, value in headers.items():
        assert value == value.strip(), f"HTTP takes the spaces around {name} away"
    for code in REJECTIONS:
        if scheme.refusal is not None:
            json.loads(scheme.refusal.render(payseal.Rejected(code), trace="t", request_id="\ud800"))


# --- the text ----------------------------------------------------------------------------------------------------------------

PIECES: Final = (
    "=", '"', "'", '"""', "[", "]", "[[", "]]", "{", "}", "{{", "}}", "{nonce}", "{created}", "{body}", "{header:Host}", "{header:Api-Key}", "{body:sha256:hex}",
    "{signature}", "{token}", "{keyid}", "\n", "\r", "\0", "\t", " ", "#", ",", ".", "-", "+", "_", "0", "1e400", "nan", "-inf", "1979-05-27", "07:32:00", "0x" + "F" * 5_000,
    "9" * 400, "true", "false", "é", "\u202e", "😀", "\ufeff", "\\u0000", "\\", "%Y", "%", "{1,64}", "(a|b)", "*", "a" * 3_000, 'extends = "fiserv-payments"\n',
    'name = "other"\n', "[nonce]\n", "[created]\n", "[signature]\n", "[headers]\n", 'X-Extra = "1"\n', 'X-Body = "{body:sha512:base64}"\n', "optional = true", '"unix"', '"hex"',
)  # fmt: skip


@st.composite
def edited(draw: st.DrawFn) -> str:
    """The text of a file of the catalogue, after a few slips of the hand."""
    text = draw(st.sampled_from(list(TEXTS.values())))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 1, 3, 12, 60])))
        kind = draw(st.sampled_from(["piece", "piece", "cut", "again", "line"]))
        if kind == "piece":
            text = text[:start] + draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=5))) + text[end:]
        elif kind == "cut":
            text = text[:start] + text[end:]
        elif kind == "again":
            text = text[:end] + text[start:]
        else:
            lines = text.splitlines(keepends=True)
            if lines:
                lines.insert(draw(st.integers(0, len(lines))), lines.pop(draw(st.integers(0, len(lines) - 1))))
                text = "".join(lines)
    return text


@settings(150)
@given(edited())
def test_a_file_of_any_text(text: str) -> None:
    found = outcome(text)
    if isinstance(found, payseal.Scheme):
        works(found)


@settings(60)
@given(st.one_of(st.text(max_size=200), st.text("[]{}=.\"'\n#abc01,:-_\\ \t\r", max_size=200)))
def test_any_text_at_all(text: str) -> None:
    assert isinstance(outcome(text), payseal.SchemeError)


@pytest.mark.parametrize("what", [b"name = 1", None, 5, ["name"], {}])
def test_what_is_no_text(what: Any) -> None:
    assert isinstance(outcome(what), payseal.SchemeError)


LONG: Final = {
    "a key of many parts": "a." * 32_000 + "b = 1",
    "a table's name of many parts": "[" + "a." * 32_000 + "b]",
    "many keys of many parts": "\n".join(f"{'a.' * 200}b{number} = 1" for number in range(150)),
    "brackets": "x = " + "[" * 60_000,
    "tables in one another": "x = " + "{a=" * 20_000,
    "a list": "x = [" + "1," * 32_000 + "]",
    "tables in a list": "[[a]]\n" * 10_900,
    "headers": "[headers]\n" + "\n".join(f'H{number} = "v"' for number in range(4_000)),
    "a number": "x = " + "9" * 60_000,
    "a number in base sixteen": "x = 0x" + "f" * 60_000,
    "escapes": 'x = "' + "\\u0041" * 10_000 + '"',
    "folded lines": 'x = """' + "a\\\n" * 20_000 + '"""',
    "white space": " " * 65_000,
    "comments": "#\n" * 32_000,
    "more than a file may hold": "#" * 1_000_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=list(LONG))
def test_a_long_file_takes_no_long_time(text: str) -> None:
    assert isinstance(outcome(text), payseal.SchemeError)


WIDE: Final[dict[str, dict[str, Any]]] = {
    "components": {"signature": {"base": "{keyid}" * 4_000 + "{nonce}{created}{body}"}},
    "digests": {"signature": {"base": "{keyid}{nonce}{created}" + "{body:sha256:hex}" * 3_000 + "{body}"}},
    "text": {"signature": {"base": "x" * 60_000 + "{keyid}{nonce}{created}{body}"}},
    "encodings": {"signature": {"accept": ["base64"] * 20_000}},
    "headers": {"headers": {f"H{number}": "v" for number in range(5_000)}},
    "header names": {"headers": {"H" * 60_000: "v"}},
    "a list of items": {"headers": {"X-List": {"template": ",".join(f"k{number}={{nonce}}" for number in range(4_000)), "separator": ","}}},
    "groups": {"nonce": {"pattern": "(" * 500 + "[0-9a-f-]{36}" + ")" * 500}},
    "choices": {"nonce": {"pattern": "|".join(["[0-9a-f-]{36}"] * 70)}},
    "optional characters": {"nonce": {"pattern": "[0-9a-f-]{36}" + "a?" * 400}},
    "a refusal": {"refusal": {"body": {"x": [["{code}"] * 1_000] * 50}}},
}


@pytest.mark.parametrize("changes", WIDE.values(), ids=list(WIDE))
def test_much_of_anything_takes_no_long_time(changes: dict[str, Any]) -> None:
    found = outcome(TEXTS["fiserv-payments"], **changes)
    if isinstance(found, payseal.Scheme):
        began = time.thread_time()
        works(found)
        assert time.thread_time() - began < 1


# --- the tables --------------------------------------------------------------------------------------------------------------

_SCALARS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 60, 86_400, 86_401, 2**63, 10**400, 0.5, 1e308]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            *PIECES,
            "unix",
            "unix-ms",
            "%Y%m%d ",
            " %Y%m%d",
            "%Y-%m-%d",
            "UTC",
            "+14:00",
            "+99:00",
            "hex",
            "base64",
            "secret",
            "token",
            "none",
            "sha256",
        ]
    ),
    st.binary(max_size=5),
)
VALUES: Final = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)), max_leaves=6
)


def places(table: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to everything in a table."""
    for key, value in table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ():
        yield (*at, key)
        yield from places(value, (*at, key))


@st.composite
def mangled(draw: st.DrawFn) -> dict[str, Any]:
    """A scheme's tables with values of any kind in some places, keys taken away, renamed, or put where others belong."""
    named = [text for text in TEXTS.values() if "extends" not in text]
    found: dict[str, Any] = copy.deepcopy(draw(st.one_of(st.sampled_from(named).map(tomllib.loads), tables())))
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(found))
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        holder: Any = found
        for key in path[:-1]:
            holder = holder[key]
        kind = draw(st.sampled_from(["value", "value", "text", "away", "name", "elsewhere"]))
        if kind == "value":
            holder[path[-1]] = draw(VALUES)
        elif kind == "text" and isinstance(holder[path[-1]], str):
            text = holder[path[-1]]
            at = draw(st.integers(0, len(text)))
            holder[path[-1]] = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.integers(0, 3)) :]
        elif kind == "away":
            del holder[path[-1]]
        elif isinstance(holder, dict):
            key = draw(
                st.one_of(
                    st.text(max_size=6),
                    st.sampled_from(["api-key", "API-KEY", "Digest", "template", "separator", "optional", "a b", "é", ""]),
                )
            )
            holder[key] = holder[path[-1]] if kind == "name" else draw(VALUES)
    return found


@settings(150)
@given(mangled())
def test_tables_of_any_content(found: dict[str, Any]) -> None:
    made = outcome("", **{str(key): value for key, value in found.items()})
    if isinstance(made, payseal.Scheme):
        works(made)


@settings(80)
@given(tables())
def test_a_file_that_loads_once_loads_always(found: dict[str, Any]) -> None:
    """What a file comes to does not hang on chance."""
    first, second = outcome("", **found), outcome("", **found)
    assert type(first) is type(second)
    assert str(first) == str(second)


@pytest.mark.parametrize("pattern", ["[a-f][0-9a-f]{31}", "[0-9]?[a-f]{1,40}", "[0-9a-f]{31}[a-e]", "[1-9a-f][0-9a-f]{31}"])
def test_a_pattern_takes_every_id_that_its_format_makes_or_the_file_is_refused(pattern: str) -> None:
    for _ in range(10):
        found = outcome(TEXTS["fiserv-payments"], nonce={"pattern": pattern, "format": "hex"})
        assert isinstance(found, payseal.SchemeError)
        assert found.key == "nonce.pattern"


def test_a_pattern_counts_in_ascii_digits() -> None:
    assert isinstance(outcome(TEXTS["fiserv-payments"], nonce={"pattern": "[0-9a-f-]{٣٦}"}), payseal.SchemeError)


def deep(levels: int) -> Any:
    found: Any = "x"
    for _ in range(levels):
        found = {"x": found}
    return found


@pytest.mark.parametrize("levels", [1, 10, 100, 5_000, 100_000])
@pytest.mark.parametrize("table", ["signature", "headers", "refusal", "nonce", "title"])
def test_tables_in_tables(table: str, levels: int) -> None:
    nested = deep(levels)
    try:
        found = outcome(TEXTS["fiserv-payments"], **{table: {"body": nested} if table == "refusal" else nested})
        if isinstance(found, payseal.Scheme):
            works(found)
    finally:
        while isinstance(nested, dict):  # taken apart from the outside: freeing it in one go would be as deep
            nested = nested.pop("x", None)
