"""The words of a command are those that bash makes of it, for every text that is taken."""

from __future__ import annotations

import contextlib
import random
import shlex
import shutil
import subprocess
import time

import pytest
from fuzz.chance import mutated

from payseal.cli.failures import Stop
from payseal.cli.shell_words import shell_words

#: Texts of each kind of quotation. Left out is what is read otherwise on purpose: escapes of NUL, where bash ends a text; the two halves of
#: one character, as browsers escape it; a line end of CR LF after a backslash.
SEEDS = [
    b"args 'a b' \"c\\\"d\" $'e\\n\\u00e9\\x41\\101\\E' f\\ g \\\n h",
    b"args -H 'X: y' --data-raw '{\"a\":1}' 'https://h/a?b=[1]'",
    b"args \"a\\\nb\" a\"b\"'c'$'d'",
    b"args *.c !x a=b [!a] a{b}c {",
    b"args \"\\$x \\` \\\\ \\q\" '\\'",
]
PIECES = [
    *(bytes([byte]) for byte in b"'\"\\\n\t $*?!=%~#{},&;|<>()`^"),
    *(b"$'", b"\\\n", b"..", b"{a,b}", b"[a]", b"\\u41", b"\\U1F600", b"\\x", b"\\x{",
      b"\\cA", b"\\8", b"\\777", b"\\u", b"\v", b"\xa0", b"\xc3\xa9"),
]  # fmt: skip


def taken(count: int) -> list[tuple[bytes, list[bytes]]]:
    """So many texts that are taken, and the words they are taken for."""
    chance, found = random.Random(20_260_621), dict[bytes, list[bytes]]()
    while len(found) < count:
        text = mutated(chance, SEEDS, PIECES).strip()
        if text.startswith(b"args ") and b"\0" not in text:
            try:
                words = shell_words(text)
            except Stop:
                continue
            if not any(b"\0" in word for word in words):
                found[text] = words
    return list(found.items())


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to compare with")
def test_words_are_those_that_bash_makes() -> None:
    bash = shutil.which("bash") or ""
    cases = taken(1_500)
    script = b'args() { printf "%s\\0" "$#" "$@"; }\n' + b"\n".join(text for text, _ in cases)
    # Restricted, with no command to find and no names of files filled in: whatever is taken wrongly does nothing here.
    done = subprocess.run(
        [bash, "--norc", "--noprofile", "-r", "-f"],
        input=script,
        env={"PATH": "/nonexistent", "LC_ALL": "C.UTF-8", "HOME": "/home"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    made = iter(done.stdout.split(b"\0"))
    for text, words in cases:
        count = int(next(made))
        assert words == [b"args", *(next(made) for _ in range(count))], text
    assert list(made) == [b""], done.stderr


@pytest.mark.parametrize("word", ["", "a b", "'", '"', "\\", "$x", "~", "#", "{a,b}", "é", "\n", "*"])
def test_what_is_quoted_is_taken_as_it_is(word: str) -> None:
    assert shell_words(f"curl {shlex.quote(word)}".encode()) == [b"curl", word.encode()]


@pytest.mark.parametrize("unit", ["{", "{,", "},{", "..", "}'", "#{,", "a'b'{"])
def test_a_long_word_is_read_quickly(unit: str) -> None:
    began = time.thread_time()
    with contextlib.suppress(Stop):
        shell_words(b"curl x" + unit.encode() * 50_000)
    assert time.thread_time() - began < 2
