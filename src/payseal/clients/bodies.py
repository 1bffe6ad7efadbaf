"""A body that can be read more than once: to be signed, to be sent, and to be sent again.

What is signed must be what is sent, so a body that yields its bytes only once is kept aside first: in memory while it is small, in a
temporary file when it is not. Nothing here holds more than a piece of a large body.
"""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

from payseal.errors import SigningError

__all__ = ["PIECE", "SPOOL", "Body", "Spooled", "rereadable"]

#: Bytes read, hashed and sent at a time.
PIECE: Final = 65_536
#: Bytes of a body that is kept aside in memory; a longer one goes to a temporary file.
SPOOL: Final = 1_048_576


class Body:
    """``length`` bytes of a seekable binary file from ``start`` on, the same each time it is iterated over.

    The length is fixed when the body is made, for it stands in ``Content-Length``: what a file grows by afterwards is not sent, and a
    file that has become shorter raises `SigningError`.
    """

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        while done < self._length:
            # Seek each time: the file is the caller's too, and an earlier iteration may have been left half-way.
            self._file.seek(self._start + done)
            piece = self._file.read(min(PIECE, self._length - done))
            if not piece:
                raise SigningError("the file became shorter after it was measured")
            _check(piece)
            done += len(piece)
            yield piece

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._length} bytes>"

    def rewind(self) -> None:
        """Put the file back to where the body begins."""
        self._file.seek(self._start)


class Spooled(Body):
    """A body that is kept aside while it is read from something that cannot be read again. Closed when nobody holds it any more."""

    def __init__(self) -> None:
        file = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - it lives as long as the body does
        # Not closed when the request has been answered: a redirect that the caller follows by hand still carries this body.
        weakref.finalize(self, file.close)
        super().__init__(file, 0, 0)

    def write(self, piece: object) -> None:
        """Add a piece. Raises `SigningError` for what is not bytes."""
        self._length += self._file.write(_check(piece))


def rereadable(source: Any) -> Body:
    """The body that a file (from where it stands) or an iterable of bytes holds.

    A file that can seek is measured and stays where it was; anything else is read to its end and kept aside. Raises `SigningError`
    for text: only its sender could tell in which encoding it goes out.
    """
    if isinstance(source, io.TextIOBase):
        raise _not_bytes("text")
    read = getattr(source, "read", None)
    if read is not None:
        try:
            start = source.tell()
            source.seek(0, os.SEEK_END)
            length = source.tell() - start
            source.seek(start)
        except (AttributeError, OSError):
            length = 0
        # No length is no proof of emptiness: a file under /proc says so too, and has content.
        if length > 0:
            return Body(source, start, length)
    spooled = Spooled()
    pieces: Iterable[Any] = source if read is None else iter(lambda: read(PIECE), b"")
    for piece in pieces:
        if read is not None and not piece:
            break  # an empty str, or the None of a file that would block
        spooled.write(piece)
    return spooled


def _check(piece: object) -> bytes | bytearray | memoryview:
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise _not_bytes(type(piece).__name__)
    return piece


def _not_bytes(what: str) -> SigningError:
    return SigningError(f"the body yields {what}, not bytes: open the file in binary mode ('rb'), or encode the text that is sent")
