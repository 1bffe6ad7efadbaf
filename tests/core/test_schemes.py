"""Scheme files: what is refused and how that is worded, `extends` and overrides, times, ids, and refusal bodies."""

from __future__ import annotations

import datetime
import json
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.errors import REJECTIONS
from payseal.grammar import Grammar, PatternError, pattern
from payseal.schemes import catalogue_names
from payseal.schemes.times import CreatedRule, TimeFormatError, format_of

from .support import BODY, CATALOGUE, NONCE, NOW, signer, verifier

ACME = """
name = "acme"
title = "Acme: signed payments"

[signature]
base = "{nonce}.{created}.{body}"
algorithm = "hmac-sha256"
encoding = "hex"

[headers]
X-Id = "{nonce}"
X-Time = "{created}"
X-Signature = "v1={signature}"

[created]
format = "unix"
tolerance = 300

[nonce]
pattern = "[a-z0-9-]{1,64}"
"""


def test_the_sound_file_is_sound() -> None:
    scheme = payseal.Scheme.loads(ACME)
    assert (scheme.name, scheme.title, scheme.names, scheme.keyed) == ("acme", "Acme: signed payments", "nobody", True)
    assert repr(scheme) == "<Scheme 'acme'>"


#: what is replaced by what → the key that is named, a piece of the problem, a piece of the remedy
BROKEN: list[tuple[str, str, str, str, str]] = [
    ('name = "acme"', "", "name", "is missing", 'add name = "…"'),
    ('name = "acme"', 'name = ""', "name", "must be a string that is not empty", 'write name = "…"'),
    ('name = "acme"', "name = 7", "name", "must be a string", 'write name = "…"'),
    ('name = "acme"', 'name = "Acme"', "name", "lower-case words joined by hyphens", "acme-payments"),
    ('name = "acme"', 'name = "acme--x"', "name", "lower-case words", "acme-payments"),
    ('name = "acme"', 'name = "acme:x"', "name", "lower-case words", "acme-payments"),
    ('name = "acme"', 'name = "ácme"', "name", "lower-case words", "acme-payments"),
    ('name = "acme"', f'name = "{"a" * 65}"', "name", "lower-case words", "acme-payments"),
    ('title = "Acme: signed payments"', "title = []", "title", "must be a string", 'write title = "…"'),
    ("[signature]", "[signatures]", "signatures", "is not a key", "did you mean 'signature'?"),
    ("[created]", "zzz = 1\n[created]", "headers.zzz", "must be a table", "write it as [headers.zzz]"),
    ('encoding = "hex"', 'encoding = "hex"\nalgorithms = "x"', "signature.algorithms", "is not a key", "did you mean 'algorithm'?"),
    ('encoding = "hex"', 'encoding = "hex"\nqqq = "x"', "signature.qqq", "is not a key", "there are: base, algorithm"),
    ("tolerance = 300", "tolerence = 300", "created.tolerence", "is not a key", "did you mean 'tolerance'?"),
    ('base = "{nonce}.{created}.{body}"', "", "signature.base", "is missing", 'add base = "…"'),
    ("{nonce}.{created}.{body}", "{nonce}.{created}", "signature.base", "does not cover the body", "{body:sha256:hex}"),
    ("{nonce}.{created}.{body}", "{nonce}.{body}", "signature.base", "does not cover {created}", "add {created} to the base"),
    ("{nonce}.{created}.{body}", "{created}.{body}", "signature.base", "does not cover {nonce}", "add {nonce} to the base"),
    (
        "{nonce}.{created}.{body}",
        "{nonce}.{created}.{signature}.{body}",
        "signature.base",
        "cannot cover the signature",
        "take {signature} out",
    ),
    (
        "{nonce}.{created}.{body}",
        "{nonce}.{keyid}.{created}.{body}",
        "signature.base",
        "covers {keyid} and no header",
        "header with {keyid}",
    ),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{payload}", "signature.base", "{payload} is not a component", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{body", "signature.base", "has no partner", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.body}", "signature.base", "has no partner", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{}{body}", "signature.base", "{} is not a component", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{body:md5:hex}", "signature.base", "hash one of sha256", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{body:sha256}", "signature.base", "{body:<hash>:<encoding>}", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{header}{body}", "signature.base", "must name one header", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}.{created}.{header:A B}{body}", "signature.base", "must name one header", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce:x}.{created}.{body}", "signature.base", "takes no argument", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "é{nonce}.{created}.{body}", "signature.base", "printable ASCII", "docs/schemes.md"),
    ("{nonce}.{created}.{body}", "{nonce}{body}.{created}", "signature.base", "can be split in more than one way", "separator"),
    (
        "{nonce}.{created}.{body}",
        "{nonce}.{created}.{header:x-signature}\\\\n{body}".replace("\\\\", "\\"),
        "signature.base",
        "carries the signature itself",
        "known before signing",
    ),
    ('"hmac-sha256"', '"hmac-sha1"', "signature.algorithm", "'hmac-sha1' is not known", "one of: hmac-sha256"),
    ('"hmac-sha256"', '"sha256"\nkey = "secret"', "signature.key", "'secret' does not go with sha256", "use an hmac-… algorithm"),
    ('"hmac-sha256"', '"hmac-sha256"\nkey = "none"', "signature.key", "'none' does not go with hmac-sha256", "plain digest"),
    ('"hmac-sha256"', '"hmac-sha256"\nkey = "body"', "signature.key", "'body' is not known", "one of: secret, token, none"),
    ('"hex"', '"HEX"', "signature.encoding", "'HEX' is not known", "one of: hex"),
    ('"hex"', '"hex"\naccept = "hex"', "signature.accept", "must be a list of encodings", 'accept = ["hex"]'),
    ('"hex"', '"hex"\naccept = []', "signature.accept", "must be a list of encodings", 'accept = ["hex"]'),
    ('"hex"', '"hex"\naccept = ["hex", 1]', "signature.accept", "must be a list of encodings", 'accept = ["hex"]'),
    ('"hex"', '"hex"\naccept = ["hex", "b64"]', "signature.accept", "'b64' is not known", "of: hex"),
    ('"hex"', '"hex"\naccept = ["base64"]', "signature.accept", "leaves out 'hex'", "add it"),
    ('X-Signature = "v1={signature}"', "", "headers", "no header carries {signature}", 'X-Signature = "{signature}"'),
    ('X-Id = "{nonce}"', "", "signature.base", "covers {nonce} and no header carries it", "add a header with {nonce}"),
    ('X-Id = "{nonce}"', 'X-Id = ""', "headers.X-Id.template", "must be a string that is not empty", "template"),
    ('X-Id = "{nonce}"', 'X-Id = " {nonce}"', "headers.X-Id", "nor begin or end with a space", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = "{{{nonce}"', "headers.X-Id", "neither braces nor newlines", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}\\n"', "headers.X-Id", "neither braces nor newlines", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}:{nonce}"', "headers.X-Id", "stands twice in one header", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce} {path}"', "headers.X-Id", "{path} is not the signer's to send", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}"\nX-More = "{signature}"', "headers.X-Signature", "stands in X-More already", "one header"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}"\nx-ID = "{nonce}"', "headers.x-ID", "stands twice", "do not depend on case"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}"\n"X Id" = "1"', "headers.X Id", "is not a header name", "letters, digits and hyphens"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}"\n"X-Ïd" = "1"', "headers.X-Ïd", "is not a header name", "letters, digits and hyphens"),
    ('X-Id = "{nonce}"', 'X-Id = "{nonce}"\n"" = "1"', "headers", "is not a header name", "letters, digits and hyphens"),
    ('X-Id = "{nonce}"', "X-Id = 5", "headers.X-Id", "must be a table", "headers.X-Id"),
    ('X-Id = "{nonce}"', 'X-Id = { template = "{nonce}", required = true }', "headers.X-Id.required", "is not a key", "template, optional"),
    (
        'X-Id = "{nonce}"',
        'X-Id = { template = "{nonce}", optional = 1 }',
        "headers.X-Id.optional",
        "must be true or false",
        "optional = true",
    ),
    (
        'X-Id = "{nonce}"',
        'X-Id = { template = "{nonce}", optional = true }',
        "headers",
        "{nonce} stands in an optional header",
        "only {keyid}",
    ),
    (
        'X-Id = "{nonce}"',
        'X-Id = { template = "id={nonce}", separator = ", " }',
        "headers.X-Id.separator",
        "must be one character",
        "separator",
    ),
    ('X-Id = "{nonce}"', 'X-Id = { template = "{nonce}", separator = "," }', "headers.X-Id", "must be a label and one component", "docs/"),
    ('X-Id = "{nonce}"', 'X-Id = { template = "a={nonce}-b={keyid}", separator = "-" }', "headers.X-Id", "can hold '-'", "docs/schemes.md"),
    ('X-Id = "{nonce}"', 'X-Id = { template = "a={nonce},a={keyid}", separator = "," }', "headers.X-Id", "can hold ','", "docs/schemes.md"),
    (
        'X-Id = "{nonce}"',
        'X-Id = { template = "a={nonce};a={created}", separator = ";" }',
        "headers.X-Id",
        "cannot be told from another",
        "docs/schemes.md",
    ),
    ("tolerance = 300", "tolerance = 0", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "tolerance = -1", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "tolerance = nan", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "tolerance = inf", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "tolerance = 86401", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "tolerance = true", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", 'tolerance = "300"', "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", f"tolerance = {'9' * 400}", "created.tolerance", "from 1 to 86400", "cannot be turned off"),
    ("tolerance = 300", "", "created.tolerance", "is missing", "tolerance = 300 (seconds)"),
    ("tolerance = 300", "tolerance = 300\nfuture = -1", "created.future", "from 0 to 86400", "cannot be turned off"),
    ('format = "unix"', 'format = "iso"', "created.format", "a time with a part left out", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%H:%M"', "created.format", "a time with a part left out", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Y-%m-%d %S"', "created.format", "a time with a part left out", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Y%m%d%p"', "created.format", "%p is not taken", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Y%m%d%"', "created.format", "% is not taken", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Y%m%d%d"', "created.format", "%d stands twice", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Y0%m%d"', "created.format", "printable ASCII without digits", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "%Yé%m%d"', "created.format", "printable ASCII without digits", 'format = "unix-ms"'),
    ('format = "unix"', 'format = "unix"\ntimezone = "+01:00"', "created.timezone", "a unix time has no time zone", "unix-ms"),
    ('format = "unix"', 'format = "%Y%m%d"\ntimezone = "Europe/Berlin"', "created.timezone", "UTC, or an offset", "unix-ms"),
    ('format = "unix"', 'format = "%Y%m%d"\ntimezone = "+15:00"', "created.timezone", "UTC, or an offset", "unix-ms"),
    ('format = "unix"', 'format = "%Y%m%d"\ntimezone = "+01:60"', "created.timezone", "UTC, or an offset", "unix-ms"),
    ('X-Time = "{created}"', "", "created.format", "would have to try 602 times", "add a header with {created}"),
    ("X-Id =", 'X-Who = "{keyid}:{token}"\nX-Id =', "headers.X-Who", "cannot be read back in one way", "docs/schemes.md"),
    ("[created]", "[refusal]", "signature.base", "covers {created} and there is no [created]", "add a [created] table"),
    ('[nonce]\npattern = "[a-z0-9-]{1,64}"', "", "signature.base", "covers {nonce} and there is no [nonce]", "add a [nonce] table"),
    ('pattern = "[a-z0-9-]{1,64}"', "", "nonce.pattern", "is missing", 'add pattern = "…"'),
    ('pattern = "[a-z0-9-]{1,64}"', 'pattern = ".*"', "nonce.pattern", "'.' matches anything", "[A-Za-z0-9-]{1,64}"),
    ('pattern = "[a-z0-9-]{1,64}"', 'pattern = "[a-z]{1,64}"', "nonce.pattern", "does not match what format = 'uuid4' makes", "widen"),
    ("[nonce]", '[nonce]\nformat = "uuid7"', "nonce.format", "'uuid7' is not known", "one of: uuid4, hex"),
    ("[nonce]", "[refusal]\nbody = 1\n[nonce]", "refusal.body", "must be a table", "[refusal.body]"),
    ("[nonce]", '[refusal]\nbody = { a = "{token}" }\n[nonce]', "refusal.body", "is not a placeholder", "{code}, {status}"),
    ("[nonce]", '[refusal]\nbody = { a = "x {code}" }\n[nonce]', "refusal.body", "is not a placeholder", "a whole string of"),
    ("[nonce]", "[refusal]\nbody = { a = 2026-01-01 }\n[nonce]", "refusal.body", "a value that JSON does not have", "strings, numbers"),
    ("[nonce]", "[refusal]\nbody = { a = [[nan]] }\n[nonce]", "refusal.body", "a value that JSON does not have", "strings, numbers"),
    ("[nonce]", "[refusal]\nbody = { a = -inf }\n[nonce]", "refusal.body", "a value that JSON does not have", "strings, numbers"),
    ("[nonce]", '[refusal]\nbody = { a = "b" }\ntypes = { 401 = 5 }\n[nonce]', "refusal.types", "must map statuses to words", "types ="),
    ("[nonce]", '[refusal]\nbody = { a = "b" }\ntypes = "x"\n[nonce]', "refusal.types", "must map statuses to words", "types ="),
    (
        "[nonce]",
        '[refusal]\nbody = { a = "b" }\ndetails = { nope = "x" }\n[nonce]',
        "refusal.details",
        "must map codes",
        "invalid-signature",
    ),
    ("[nonce]", '[refusal]\ntexts = "x"\n[nonce]', "refusal.texts", "is not a key", "did you mean 'types'?"),
]


@pytest.mark.parametrize(("old", "new", "key", "problem", "remedy"), BROKEN, ids=[f"{key}: {new[:40]!r}" for _, new, key, _, _ in BROKEN])
def test_a_broken_scheme_is_named_by_file_key_and_remedy(old: str, new: str, key: str, problem: str, remedy: str, tmp_path: Path) -> None:
    assert ACME.count(old) >= 1
    file = tmp_path / "acme.toml"
    file.write_text(ACME.replace(old, new, 1), "utf-8")
    with pytest.raises(payseal.SchemeError) as caught:
        payseal.Scheme.load(file)
    error = caught.value
    assert error.file == str(file)
    assert error.key == key
    assert problem in error.problem
    assert error.remedy
    assert remedy in error.remedy
    assert str(error) == f"{file}: {key}: {error.problem} — {error.remedy}"


@pytest.mark.parametrize("word", ["keyid", "token"])
def test_what_is_covered_is_never_left_out_of_a_request(word: str) -> None:
    """A base with a hole in it would be another base."""
    covering = ACME.replace("{nonce}.{created}.{body}", f"{{{word}}}.{{nonce}}.{{created}}.{{body}}")
    optional = covering.replace("X-Id =", f'X-Who = {{ template = "{{{word}}}", optional = true }}\nX-Id =')
    with pytest.raises(payseal.SchemeError, match="a request may leave its header out") as caught:
        payseal.Scheme.loads(optional)
    assert caught.value.key == "signature.base"
    assert payseal.Scheme.loads(optional.replace("optional = true", "optional = false")).names == word
    # In two headers, of which one is always there.
    assert payseal.Scheme.loads(optional.replace("X-Id =", f'X-Too = "{{{word}}}"\nX-Id =')).names == word


# --- files -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"name = ", "not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (ACME.encode("utf-16"), "is not UTF-8 text"),
        (b"\xef\xbb\xbf" + ACME.encode(), "not TOML"),
        (b"a = 1979-02-30", "not TOML"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"a = 1\na = 2", "not TOML"),
        (b"\0", "not TOML"),
        (b"#" * 65_537, "is larger than 65536 bytes"),
        (b"a = " + b"[" * 60_000, "not TOML"),
        (b"a = " + b"[" * 200 + b"]" * 200, "nested more than 16 deep"),
        (b"a = " + b"{b = " * 5_000, "not TOML"),
        (b"refusal.body" + b".a" * 3_000 + b" = 1\n" + ACME.encode(), "nested more than 16 deep"),
        (ACME.encode() + b"[refusal.body" + b".a" * 20_000 + b"]\n", "nested more than 16 deep"),
        (ACME.encode() + b"[refusal]\nbody = { a = " + b"[" * 20 + b"]" * 20 + b" }\n", "nested more than 16 deep"),
        (b"extends = 5", "must be the name of a scheme"),
        (b'extends = "fiserv-payments"', "needs a name of its own"),
        (b'extends = "self.toml"\nname = "self"', "more than 8 schemes extend one another"),
        (b'extends = "missing.toml"\nname = "x"', "cannot be read"),
        (b'extends = "a\\u0000.toml"\nname = "x"', "cannot be read"),
        (b'extends = "nowhere"\nname = "x"', "there is no scheme 'nowhere'"),
        (b'extends = "fiserv-payment"\nname = "x"', "there is no scheme 'fiserv-payment'"),
        (b'extends = "../catalogue/fiserv-payments"\nname = "x"', "there is no scheme"),
    ],
)
def test_whatever_a_file_holds_a_scheme_error_is_all_that_comes(content: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "self.toml"
    file.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(payseal.SchemeError, match=re.escape(problem)) as caught:
        payseal.Scheme.load(file)
    assert caught.value.remedy
    assert time.monotonic() - began < 5
    assert len(str(caught.value)) < 1000


@given(content=st.binary(max_size=200))
def test_no_bytes_are_a_scheme_by_accident(content: bytes) -> None:
    with pytest.raises(payseal.SchemeError):
        payseal.Scheme.loads(content.decode("latin-1"))


@given(data=st.data())
def test_a_scheme_with_a_piece_cut_out_is_sound_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(ACME)))
    end = data.draw(st.integers(start, min(len(ACME), start + 40)))
    inserted = data.draw(st.text("{}[]\"'=.,:abct\n", max_size=4))
    try:
        scheme = payseal.Scheme.loads(ACME[:start] + inserted + ACME[end:])
    except payseal.SchemeError as error:
        assert error.remedy  # noqa: PT017
        return
    # What was taken still covers what it must.
    shown = "".join(str(part) for part in scheme.signature.base.parts)
    assert "{body" in shown
    assert ("{created}" in shown) == (scheme.created is not None)
    assert ("{nonce}" in shown) == (scheme.nonce is not None)


@pytest.mark.parametrize("path", ["missing.toml", "a\0b.toml", ".", "", "/dev/null/x", "x" * 5000])
def test_a_path_that_cannot_be_read(path: str) -> None:
    with pytest.raises(payseal.SchemeError, match="cannot be read") as caught:
        payseal.Scheme.load(path)
    assert "path of a scheme file" in caught.value.remedy


@pytest.mark.parametrize(
    "name",
    ["../x", "../catalogue/fiserv-payments", "/etc/passwd", "fiserv-payments.toml", "fiserv-payments\0", "fiserv-payments\n", "", ".", "..",
     "Fiserv-Payments", "fiserv_payments", "x" * 100_000, "\ud800", "ﬁserv-payments", None, 5, b"fiserv-payments"],
)  # fmt: skip
def test_a_catalogue_name_is_a_name_and_never_a_path(name: object) -> None:
    with pytest.raises(payseal.SchemeError, match="there is no scheme") as caught:
        payseal.scheme(name)  # type: ignore[arg-type]
    assert caught.value.file == "<catalogue>"
    assert len(caught.value.problem) < 400


def test_a_near_miss_is_told() -> None:
    with pytest.raises(payseal.SchemeError, match=r"did you mean 'fiserv-payments'\?"):
        payseal.scheme("fiserv-payment")


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_is_sound(name: str) -> None:
    scheme = payseal.scheme(name)
    assert scheme.name == name
    assert scheme.title != name
    assert scheme.source["name"] == name


# --- extends and overrides ---------------------------------------------------------------------------------------------------


def test_a_variant_changes_a_line(tmp_path: Path) -> None:
    (tmp_path / "schemes").mkdir()
    (tmp_path / "schemes" / "acme.toml").write_text(ACME, "utf-8")
    (tmp_path / "variant.toml").write_text('extends = "schemes/acme.toml"\nname = "variant"\ncreated = { format = "unix-ms" }\n', "utf-8")
    (tmp_path / "schemes" / "third.toml").write_text('extends = "../variant.toml"\nname = "third"\n', "utf-8")
    variant, third = payseal.Scheme.load(tmp_path / "variant.toml"), payseal.Scheme.load(str(tmp_path / "schemes" / "third.toml"))
    assert (variant.name, third.name) == ("variant", "third")
    for scheme in (variant, third):
        assert scheme.created is not None
        assert (scheme.created.format.text, scheme.created.tolerance) == ("unix-ms", 300_000)
        assert [rule.name for rule in scheme.headers] == ["X-Id", "X-Time", "X-Signature"]


def test_a_loop_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\nname = "a"', "utf-8")
    (tmp_path / "b.toml").write_text('extends = "a.toml"\nname = "b"', "utf-8")
    with pytest.raises(payseal.SchemeError, match="extend one another") as caught:
        payseal.Scheme.load(tmp_path / "a.toml")
    assert caught.value.key == "extends"
    assert "loop" in caught.value.remedy


def test_text_extends_the_catalogue_and_no_file() -> None:
    assert payseal.Scheme.loads('extends = "fiserv-payments"\nname = "mine"\ncreated.format = "unix"').name == "mine"
    with pytest.raises(payseal.SchemeError, match="this text is in no folder"):
        payseal.Scheme.loads('extends = "acme.toml"\nname = "mine"')


def test_an_override_changes_a_table_key_by_key_and_nothing_else() -> None:
    plain, changed = payseal.scheme("fiserv-payments"), payseal.scheme("fiserv-payments", created={"tolerance": 60})
    assert plain.created is not None
    assert changed.created is not None
    assert (changed.created.tolerance, changed.created.format) == (60_000, plain.created.format)
    again = payseal.scheme("fiserv-payments").created
    assert again is not None
    assert again.tolerance == 300_000


def test_header_names_do_not_depend_on_case() -> None:
    scheme = payseal.scheme("fiserv-payments", headers={"MESSAGE-signature": "v1={signature}"})
    assert [rule.name for rule in scheme.headers] == ["Api-Key", "Client-Request-Id", "Timestamp", "MESSAGE-signature"]
    made = signer(scheme).sign(payseal.Request("POST", "/", body=BODY), created=NOW)
    assert made["MESSAGE-signature"].startswith("v1=")
    lower = payseal.Request("POST", "/", {name.lower(): value for name, value in made.items()}, BODY)
    assert verifier(scheme).verify(lower, now=NOW).nonce == made["Client-Request-Id"]


def test_false_takes_a_header_or_a_table_away() -> None:
    scheme = payseal.Scheme.loads(
        'extends = "fiserv-payments"\nname = "moved"\nheaders = { message-signature = false, Authorization = "Sig {signature}" }\nrefusal = false'
    )
    assert [rule.name for rule in scheme.headers] == ["Api-Key", "Client-Request-Id", "Timestamp", "Authorization"]
    assert scheme.refusal is None
    assert payseal.scheme("startbutton-transfer", headers={"AUTHORIZATION": False}).names == "nobody"


@pytest.mark.parametrize("key", ["created", "nonce", "signature", "headers"])
def test_false_cannot_take_away_what_is_needed(key: str) -> None:
    with pytest.raises(payseal.SchemeError):
        payseal.scheme("fiserv-payments", **{key: False})


@pytest.mark.parametrize("value", [None, "unix", 5, True, [], [{"format": "unix"}]])
def test_a_table_is_overridden_by_a_table(value: object) -> None:
    with pytest.raises(payseal.SchemeError, match="created: is a table — give a table to change some of its keys"):
        payseal.scheme("fiserv-payments", created=value)


@pytest.mark.parametrize(
    "overrides",
    [{"headers": {5: "x"}}, {"created": {5: "x"}}, {"nonce": {"pattern": None}}, {"signature": {"accept": {"hex": 1}}}, {"name": None},
     {"refusal": {"body": {"a": object()}}}, {"refusal": {"body": {"a": None}}}, {"created": {"tolerance": float("nan")}}, {"sig": {}}],
)  # fmt: skip
def test_overrides_are_held_to_the_same_rules(overrides: dict[str, object]) -> None:
    with pytest.raises(payseal.SchemeError):
        payseal.scheme("fiserv-payments", **overrides)


# --- times -------------------------------------------------------------------------------------------------------------------

STAMPS = {
    "%Y%m%d%H%M": 60,
    "%Y%m%d%H%M%S": 1,
    "%Y-%m-%dT%H:%M:%SZ": 1,
    "%d/%m/%Y %H:%M": 60,
    "%Y%m%d": 86_400,
    "%H.%M.%S on %d.%m.%Y": 1,
    "%Y-%m-%dT%H": 3_600,
}
ZONES = {"UTC": 0, "Z": 0, "+00:00": 0, "-00:00": 0, "+01:00": 60, "-03:30": -210, "+05:45": 345, "+14:00": 840, "-12:00": -720}
FIRST = int(datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC).timestamp())
LAST = int(datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC).timestamp())


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("stamp", STAMPS)
def test_times_are_written_and_read_as_datetime_does(stamp: str, zone: str) -> None:
    form = format_of(stamp, zone)
    assert form.granularity == STAMPS[stamp] * 1000
    clock = datetime.timezone(datetime.timedelta(minutes=ZONES[zone]))
    chance = random.Random(f"{stamp}{zone}")
    leaps = [datetime.datetime(year, 2, 29, 23, 59, 59, tzinfo=datetime.UTC) for year in (1972, 2000, 2024, 2028, 2096, 2104, 2400, 9996)]
    edges = [
        datetime.datetime(year, *day, tzinfo=datetime.UTC)
        for year in (1999, 2000, 2026, 2100)
        for day in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    moments = [int(moment.timestamp()) for moment in leaps + edges] + [chance.randrange(FIRST, LAST) for _ in range(200)]
    for moment in moments:
        local = datetime.datetime.fromtimestamp(moment, clock)
        text = form.write(moment * 1000 + chance.randrange(1000))
        assert text == local.strftime(stamp)
        assert len(text) == form.width
        assert form.grammar.accepts(text)
        expected = datetime.datetime.strptime(text, stamp).replace(tzinfo=clock)
        assert form.read(text) == round(expected.timestamp()) * 1000


@pytest.mark.parametrize(
    "text",
    ["202402301200", "202302291200", "210002291200", "202413011200", "202400011200", "202401001200", "202401322400", "202401012400",
     "202401011260", "196912312359", "000001011200", "20240101120", "2024010112000", "2024０1011200", "2024-1011200", " 20240101120", ""],
)  # fmt: skip
def test_no_date_that_is_none_is_read(text: str) -> None:
    assert format_of("%Y%m%d%H%M").read(text) is None


@given(text=st.text(max_size=20))
def test_reading_a_time_never_fails_and_what_is_read_is_written_so(text: str) -> None:
    for name in ("unix", "unix-ms", "%Y%m%d%H%M", "%Y-%m-%dT%H:%M:%SZ"):
        form = format_of(name)
        read = form.read(text)
        if read is not None:
            assert form.write(read) == text
            assert form.grammar.accepts(text)


@pytest.mark.parametrize("moment", [-1, -(10**20), 10**12, 10**20, 10**400, float("nan"), float("inf"), -0.001, True, "1729620420", b""])
@pytest.mark.parametrize("name", ["fiserv-payments", "startbutton-transfer"])
def test_a_time_that_cannot_be_written_is_a_signing_error(moment: object, name: str) -> None:
    with pytest.raises(payseal.SigningError, match="created"):
        signer(name).sign(payseal.Request("POST", "/"), created=moment)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "CET", "+1", "+01", "+0100", "01:00", "+01:00:00", "+１1:00", "utc", "+14:60", "+99:00", " UTC", "UTC "]
)
def test_zones_that_are_not_taken(zone: str) -> None:
    with pytest.raises(TimeFormatError, match="is not taken: UTC, or an offset"):
        format_of("%Y%m%d", zone)


@given(
    now=st.integers(0, 9_999_999_999_999),
    tolerance=st.integers(1_000, 1_800_000),
    future=st.integers(0, 1_800_000),
    zone=st.sampled_from(list(ZONES)),
)
def test_the_candidates_are_exactly_the_minutes_of_the_window(now: int, tolerance: int, future: int, zone: str) -> None:
    rule = CreatedRule(format_of("%Y%m%d%H%M", zone), tolerance, future)
    found = list(rule.candidates(now))
    fresh = [minute for minute in range(now // 60_000 - 40, now // 60_000 + 40) if minute >= 0 and rule.fresh(minute * 60_000, now)]
    assert sorted(created // 60_000 for created, _ in found) == fresh
    assert len({text for _, text in found}) == len(found) <= rule.candidate_count
    assert all(rule.format.read(text) == created for created, text in found if created > 86_400_000)
    distances = [abs(created - now // 60_000 * 60_000) for created, _ in found]
    assert distances == sorted(distances)  # the likeliest first


@given(now=st.integers(0, 10**13), created=st.integers(0, 10**13), tolerance=st.integers(1, 10**7), future=st.integers(0, 10**7))
def test_a_request_is_fresh_until_its_last_moment(now: int, created: int, tolerance: int, future: int) -> None:
    for name in ("unix", "unix-ms", "%Y%m%d%H%M"):
        rule = CreatedRule(format_of(name), tolerance, future)
        assert rule.fresh(created, now) == (created - future <= now < rule.last_moment(created))


# --- ids ---------------------------------------------------------------------------------------------------------------------

PATTERNS = [
    "[A-Za-z0-9-]{1,64}",
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"\d{1,20}",
    r"\w{3,9}",
    r"req_\w{8}",
    "(a|bb|ccc)?[0-9]{2}",
    "a?b?c",
    "(a?b?)?[x-z]{0,3}!",
    r"[\d\-_.]{1,5}",
    r"[+\--9]{2}",
    "(?:ord|inv)-[0-9]{1,6}(-[a-z]{1,3})?",
    "([0-9]{3}|[a-z]{2,5})[.:]",
    r"\[\]\{\}\(\)\*\+\?\.\^\$\|\\",
    "x{0}y",
    "[a-]{2}",
    "[-a]{2}",
]


@given(data=st.data())
def test_what_a_pattern_claims_is_true_of_all_it_matches(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(PATTERNS))
    grammar = pattern(text)
    match = data.draw(st.from_regex(re.compile(text, re.ASCII), fullmatch=True))
    assert grammar.shortest <= len(match) <= (grammar.longest or 0)
    assert grammar.alphabet.issuperset(match)
    assert match[0] in grammar.initial
    assert grammar.accepts(match)


@given(text=st.text("ab01[]{}()?|-\\dw,^.*+&~", max_size=14), tried=st.text("ab01-d,", max_size=8))
def test_a_pattern_of_any_shape_is_refused_or_true(text: str, tried: str) -> None:
    try:
        grammar = pattern(text)
    except PatternError:
        return
    if re.compile(text, re.ASCII).fullmatch(tried):
        assert grammar.accepts(tried)
    else:
        assert not grammar.accepts(tried)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "at least one"),
        ("[a-z]*", "no upper bound"),
        ("[a-z]+", "no upper bound"),
        ("[a-z]{1,}", "only {n} and {m,n}"),
        ("[a-z]{,5}", "only {n} and {m,n}"),
        ("[a-z]{5,1}", "counts down"),
        ("[a-z]{1,257}", "256 is the most"),
        ("[a-z]{0,5}", "matches the empty text"),
        ("(a|)", "matches the empty text"),
        ("a??", "one quantifier"),
        ("a{1,2}?", "one quantifier"),
        ("a{1,2}+", "one quantifier"),
        ("a{1}{2}", "one quantifier"),
        (".", "matches anything"),
        ("^a", "'^' is not taken"),
        ("a$", "'$' is not taken"),
        ("[^a]", "open-ended"),
        ("[]", "empty or not closed"),
        ("[]a]", "empty or not closed"),
        ("[a", "empty or not closed"),
        ("[[a]", "escape '['"),
        ("[b-a]", "is empty"),
        ("[a-\\d]", "does not end in one character"),
        ("[!-\\x7e]", "\\x is not taken"),
        ("[\\d-z]", "not a regular expression"),
        ("[a--]", "escape '-'"),
        ("[--a]", "escape the second"),
        ("[a&&b]", "escape the second"),
        ("[a||b]", "escape the second"),
        ("[a~~b]", "escape the second"),
        ("(a", "not closed"),
        ("a)", "unbalanced ')'"),
        ("(?=a)b", "look-around"),
        ("(?i)a", "look-around"),
        ("(?P<x>a)", "look-around"),
        ("(a)\\1", "\\1 is not taken"),
        ("a\\b", "\\b is not taken"),
        ("\\s", "\\s is not taken"),
        ("a\\", "backslash"),
        ("a b", "visible ASCII"),
        ("a\n", "visible ASCII"),
        ("é", "visible ASCII"),
        ("[a-é]", "visible ASCII"),
        ("(a{1,2}){1,8}", "a group cannot be repeated"),
        ("(a?){8}", "a group cannot be repeated"),
        ("(" * 5000, "longer than 1024"),
        ("(" * 900, "deep in one another"),
        ("(" * 17 + "a" + ")" * 17, "deep in one another"),
        ("a?" * 40 + "b", "too many ways"),
        ("[a-z]{0,30}" * 8 + "!", "too many ways"),
        ("(a|a)" * 20, "too many ways"),
        ("a" * 1025, "longer than 1024"),
        ("a" * 257, "256 is the most"),
    ],
)
def test_patterns_that_are_not_taken(text: str, problem: str) -> None:
    with pytest.raises(PatternError, match=re.escape(problem)):
        pattern(text)
    with pytest.raises(payseal.SchemeError) as caught:
        payseal.scheme("fiserv-payments", nonce={"pattern": text})
    assert caught.value.key == "nonce.pattern"


@pytest.mark.parametrize(
    "text", ["a?" * 15 + "!", "[a-z]{0,15}" * 4 + "!", "(a|a)" * 15 + "!", "(a?a?)?" * 6 + "!", "[a-z]{1,128}[a-z]{1,127}!"]
)
def test_the_slowest_pattern_that_is_taken_is_not_slow(text: str) -> None:
    """A backtracking matcher can take as many steps as there are ways to match; those are bounded."""
    grammar = pattern(text)
    began = time.perf_counter()
    for length in range(257):
        assert not grammar.accepts("a" * length)
    assert time.perf_counter() - began < 3


def test_a_grammar_without_a_pattern() -> None:
    grammar = Grammar.of(frozenset("ab"), 1, None, initial="b")
    assert [text for text in ("", "a", "b", "ba", "ab", "bc", "b" * 5000) if grammar.accepts(text)] == ["b", "ba", "b" * 5000]


@pytest.mark.parametrize(
    ("made", "shape"),
    [("uuid4", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{11}[a-f]"), ("hex", "[0-9a-f]{31}[a-f]")],
)
def test_the_ids_that_a_signer_makes(made: str, shape: str) -> None:
    scheme = payseal.scheme("fiserv-payments", nonce={"format": made})
    found = set()
    for _ in range(200):
        nonce = signer(scheme).sign(payseal.Request("POST", "/"), created=NOW)["Client-Request-Id"]
        assert re.fullmatch(shape, nonce)
        found.add(nonce)
    assert len(found) == 200


@pytest.mark.parametrize("nonce", ["", "a b", "x" * 65, "é", "a\n", 5, b"abc"])
def test_an_id_outside_the_pattern_is_not_signed(nonce: object) -> None:
    with pytest.raises(payseal.SigningError, match="nonce"):
        signer("fiserv-payments").sign(payseal.Request("POST", "/"), created=NOW, nonce=nonce)  # type: ignore[arg-type]


# --- refusals ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", REJECTIONS)
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_refusal_has_a_body_in_the_providers_words(name: str, code: str) -> None:
    refusal = payseal.scheme(name).refusal
    if refusal is None:
        assert name == "startbutton-webhook"
        return
    raw = refusal.render(payseal.Rejected(code, "what was seen", diagnosis="for the operator"), trace="t-1", request_id=NONCE)
    body = json.loads(raw)
    assert "operator" not in raw.decode()
    said = refusal.details.get(code, "what was seen")
    if name == "fiserv-payments":
        assert body["clientRequestId"] == NONCE
        assert body["apiTraceId"] == "t-1"
        assert body["error"]["message"] == said
        words = {
            400: "BadRequest",
            401: "Unauthenticated",
            403: "Unauthorized",
            409: "GatewayDeclined",
            413: "BadRequest",
            422: "EndpointDeclined",
            503: "ServerError",
        }
        assert body["responseType"] == words[REJECTIONS[code][0]]
    elif name == "startbutton-transfer":
        assert body == {"success": False, "message": said}
    else:
        assert body["gatewayResponse"] == {"transactionProcessingDetails": {"apiTraceId": "t-1"}}
        assert body["error"][0]["message"] == said
        assert body["error"][0]["type"] == ("APIM" if REJECTIONS[code][0] == 401 else "GATEWAY")


@given(sent=st.text(max_size=40))
def test_what_a_client_sent_is_text_in_the_body_and_never_a_placeholder(sent: str) -> None:
    for request_id in (sent, "{trace}", "{detail}", '"}', "\ud800"):
        refusal = payseal.scheme("fiserv-payments").refusal
        assert refusal is not None
        raw = refusal.render(payseal.Rejected("replayed"), trace="t-1", request_id=request_id)
        body = json.loads(raw)
        assert set(body) == {"clientRequestId", "apiTraceId", "responseType", "error"}
        assert body["clientRequestId"] == request_id.encode("utf-8", "replace").decode()
        assert body["apiTraceId"] == "t-1"


def test_the_catalogue_lists_what_is_there() -> None:
    assert catalogue_names() == sorted(catalogue_names())
    assert {"fiserv-payments", "startbutton-transfer", "startbutton-webhook", "commercehub-hmac", "commercehub-digest"} <= set(
        catalogue_names()
    )


@pytest.mark.parametrize(("word", "table"), [("created", "[created]"), ("nonce", "[nonce]")])
def test_a_header_sends_nothing_that_is_not_there(word: str, table: str) -> None:
    with pytest.raises(payseal.SchemeError, match=re.escape(f"sends {{{word}}} and there is no {table}")) as caught:
        payseal.scheme("startbutton-webhook", headers={"X-More": f"{{{word}}}"})
    assert caught.value.key == "headers.X-More"


# --- found by fuzzing --------------------------------------------------------------------------------------------------------

PLAIN = """
name = "plain"
signature = { base = "{host}\\n{created}.{body}", algorithm = "hmac-sha256", encoding = "hex" }
created = { format = "%Y-%m-%d", tolerance = 300 }
[headers]
X-Time = "at {created}"
X-Signature = "{signature}"
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("X-Signature", "Host", "signature.base", "covers {host}, which carries the signature itself"),
        ('"at ', f'"{"x" * 1_020} ', "headers.X-Time", "longer than 1024 characters"),
        ("%Y-%m-%d", f"%Y{'-' * 60}%m%d", "created.format", "longer than 64 characters"),
    ],
)
def test_what_could_not_verify_its_own_request_is_no_scheme(old: str, new: str, key: str, problem: str) -> None:
    assert payseal.Scheme.loads(PLAIN).name == "plain"
    with pytest.raises(payseal.SchemeError, match=problem) as caught:
        payseal.Scheme.loads(PLAIN.replace(old, new))
    assert caught.value.key == key


@pytest.mark.parametrize("name", ["Body", "Created", "Method"])
def test_a_signature_may_stand_in_a_header_named_like_a_component(name: str) -> None:
    assert payseal.Scheme.loads(PLAIN.replace("X-Signature", name)).headers[-1].name == name
