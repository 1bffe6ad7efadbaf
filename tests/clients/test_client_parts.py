"""The parts that the clients share, and what is said when a library is not there."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import IO, Any

import pytest

from payseal.clients.bodies import PIECE, SPOOL, Body, Spooled, rereadable
from payseal.clients.origins import Origin
from payseal.errors import SigningError


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_body_reads_the_same_again_and_again(size: int) -> None:
    content = os.urandom(size)
    for source in (io.BytesIO(content), iter([content[: size // 2], content[size // 2 :]])):
        body = rereadable(source)
        assert len(body) == size
        for _ in range(3):
            assert b"".join(body) == content
        assert all(len(piece) <= PIECE for piece in body)
        half_way = iter(body)
        next(half_way, None)
        assert b"".join(body) == content


def test_a_file_is_left_where_it_was() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    body = rereadable(file)
    assert (type(body), file.tell(), len(body)) == (Body, 4, 6)
    assert b"".join(body) == b"456789"
    body.rewind()
    assert file.tell() == 4


def test_a_short_body_is_in_memory_and_a_long_one_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[IO[bytes]] = []
    real = tempfile.TemporaryFile

    def counted(*arguments: Any, **named: Any) -> IO[bytes]:
        opened.append(real(*arguments, **named))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", counted)
    spooled = Spooled()
    spooled.write(bytes(SPOOL))
    assert not opened
    spooled.write(b"1")
    assert opened
    assert len(spooled) == SPOOL + 1
    assert repr(spooled) == f"<Spooled of {SPOOL + 1} bytes>"


def test_what_was_kept_aside_is_closed_with_its_body() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spooled = rereadable(iter([bytes(SPOOL), b"1"]))
        pieces = iter(spooled)
        next(pieces)
        del spooled
        assert len(list(pieces)) == SPOOL // PIECE  # a body that is being sent is not closed
        del pieces
        gc.collect()


def test_a_file_that_does_not_know_its_length() -> None:
    class Unmeasured(io.BytesIO):  # as the files under /proc are
        def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
            return super().seek(0 if whence == os.SEEK_END else offset)

    assert b"".join(rereadable(Unmeasured(b"content"))) == b"content"


def test_text_is_refused() -> None:
    for source in (io.StringIO("text"), ["text"], iter([1])):
        with pytest.raises(SigningError, match="not bytes"):
            rereadable(source)


@pytest.mark.parametrize(
    ("parts", "text", "authority"),
    [
        (("HTTPS", "API.Example.com", None), "https://api.example.com", "api.example.com"),
        (("https", "api.example.com", 443), "https://api.example.com", "api.example.com"),
        (("http", "api.example.com", 80), "http://api.example.com", "api.example.com"),
        (("http", "api.example.com", 443), "http://api.example.com:443", "api.example.com:443"),
        (("https", "[::1]", 8443), "https://[::1]:8443", "[::1]:8443"),
        (("https", "::1", None), "https://[::1]", "[::1]"),
    ],
)
def test_an_origin_has_one_spelling(parts: tuple[str, str, int | None], text: str, authority: str) -> None:
    origin = Origin.of(*parts)
    assert (str(origin), origin.authority) == (text, authority)
    assert origin == Origin.of(origin.scheme, origin.host, origin.port)


@pytest.mark.parametrize("parts", [(None, "h", None), ("ftp", "h", 21), ("https", "", None), ("https", None, 443)])
def test_what_is_no_origin(parts: tuple[str | None, str | None, int | None]) -> None:
    with pytest.raises(SigningError, match="absolute"):
        Origin.of(*parts)


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_a_library_that_is_not_installed(library: str) -> None:
    program = f"""
import sys
sys.modules[{library!r}] = None
import payseal
from payseal.errors import MissingExtra
try:
    import payseal.clients.{library}
except MissingExtra as error:
    assert isinstance(error, ImportError) and isinstance(error, payseal.PaysealError)
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == f"payseal.clients.{library} needs a part that is not installed: pip install 'payseal[{library}]'\n"


@pytest.mark.parametrize(
    ("library", "others"), [("httpx", ["requests", "httpx2"]), ("httpx2", ["httpx"]), ("requests", ["httpx", "httpx2"])]
)
def test_one_library_does_not_need_another(library: str, others: list[str]) -> None:
    program = f"import sys\nfor name in {others!r}: sys.modules[name] = None\nimport payseal.clients.{library}"
    subprocess.run([sys.executable, "-c", program], check=True)
