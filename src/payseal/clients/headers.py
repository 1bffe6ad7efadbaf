"""httpx headers of which a copy is unsigned.

httpx follows redirects beneath its auths, and makes the new request from a copy of the old one's headers, less ``Authorization`` when
the origin changes. A signature is not in ``Authorization`` as a rule, and one that was never used up could be presented by whoever
received it. So the signature is not among the headers that are copied; it is shown only where this one request is sent or looked at.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from httpx import Headers
else:
    Headers = object

__all__ = ["SignedHeaders"]

_Raw = tuple[bytes, bytes]


class SignedHeaders(Headers):
    """Over the ``Headers`` of the library in use: ``own`` are the headers of the request, ``signature`` those of the scheme.

    Reading sees both; ``copy``, ``Headers(…)`` and a pickle see the own ones. Whoever sets a header of the scheme takes it out of the
    signature and owns it.
    """

    #: The library's class, of which this one is made a subclass.
    plain: ClassVar[type[Headers]]

    def __init__(self, own: Iterable[_Raw], signature: Iterable[_Raw], theirs: Iterable[_Raw]) -> None:
        super().__init__(list(own))
        self._signature = list(signature)
        #: What the caller had set under the scheme's names, in case this request must be signed again.
        self.theirs = list(theirs)

    def unsigned(self) -> Headers:
        """The headers as the caller made them."""
        own = super().raw
        names = {name.lower() for name, _ in own}
        return self.plain([*own, *(pair for pair in self.theirs if pair[0].lower() not in names)])

    def _shown(self) -> Headers:
        return self.plain([*super().raw, *self._signature])

    @property
    def raw(self) -> list[_Raw]:
        """What is sent."""
        return [*super().raw, *self._signature]

    def keys(self) -> KeysView[str]:
        return self._shown().keys()

    def values(self) -> ValuesView[str]:
        return self._shown().values()

    def items(self) -> ItemsView[str, str]:
        return self._shown().items()

    def multi_items(self) -> list[tuple[str, str]]:
        return self._shown().multi_items()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        return self._shown().get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self._shown()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._shown()

    def __len__(self) -> int:
        return len(self._shown())

    def __eq__(self, other: object) -> bool:
        return self._shown() == (other._shown() if isinstance(other, SignedHeaders) else other)

    __hash__ = None  # type: ignore[assignment]

    def __setitem__(self, key: str, value: str) -> None:
        self._drop(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if not self._drop(key) or super().__contains__(key):
            super().__delitem__(key)

    def __repr__(self) -> str:
        # The own headers alone: of the scheme's, one may be a token under a name that httpx does not know to hide.
        return repr(self.plain(super().raw))

    def __reduce__(self) -> Any:
        return self.plain, (super().raw,)

    def _drop(self, key: str) -> bool:
        name = key.lower().encode("latin-1", "replace")
        before = len(self._signature)
        self._signature = [pair for pair in self._signature if pair[0].lower() != name]
        self.theirs = [pair for pair in self.theirs if pair[0].lower() != name]
        return len(self._signature) < before
