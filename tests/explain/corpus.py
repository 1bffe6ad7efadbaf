"""The corpus: mistaken requests, made without payseal, each with what its caller did wrong. Read from ``corpus/*.json``."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import payseal

__all__ = ["CODES", "FOLDER", "Case", "Party", "Signed", "load"]

FOLDER: Final = Path(__file__).parent / "corpus"

#: Every code that a case may name.
# fmt: off
CODES: Final = frozenset(
    {
        "body-respaced", "body-compacted", "body-indented", "body-key-order", "body-escaped-slashes", "body-escaped-unicode",
        "body-unescaped-unicode", "body-python-repr", "body-object-object", "body-number-format", "body-trailing-newline",
        "body-missing-newline", "body-crlf", "body-bom", "body-charset", "body-empty-signed", "body-null-signed", "body-form-encoded",
        "body-double-encoded", "body-base64", "body-hash-signed", "body-trimmed",
        "created-unit", "created-fraction", "created-iso", "created-timezone", "created-part-missing", "created-differs",
        "created-outside-window", "created-clock-skew",
        "nonce-case", "nonce-dashes", "nonce-not-signed",
        "keyid-not-signed", "keyid-case",
        "key-whitespace", "key-quotes", "key-base64-decoded", "key-hex-decoded", "key-base64-encoded", "key-swapped", "key-token",
        "key-retired", "key-other-account", "key-other-environment",
        "order",
        "separator",
        "component-missing", "component-extra",
        "algorithm-sha1", "algorithm-sha256", "algorithm-sha384", "algorithm-sha512", "algorithm-md5", "algorithm-unkeyed",
        "algorithm-secret-prefixed", "algorithm-secret-suffixed", "algorithm-double-hash",
        "encoding-hex", "encoding-hex-upper", "encoding-base64", "encoding-base64url", "encoding-base64-of-hex", "encoding-unpadded",
        "encoding-truncated", "encoding-percent",
        "header-missing", "header-renamed", "header-prefix", "header-repeated", "header-swapped",
        "credential-expired",
        "unproven",
    }
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Party:
    """A credential, in the open: these are nobody's. Secrets from oldest to newest."""

    keyid: str
    secrets: tuple[str, ...]
    token: str | None = None
    account: str | None = None
    not_before: float | None = None
    not_after: float | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Party:
        """From a case's ``credential`` or one of its ``others``."""
        rest = dict(data)
        secret = rest.pop("secret")
        return cls(secrets=(secret,) if isinstance(secret, str) else tuple(secret), **rest)

    def credential(self) -> payseal.Credential:
        """As payseal holds it."""
        return payseal.Credential(
            self.keyid, self.secrets, self.token, account=self.account, not_before=self.not_before, not_after=self.not_after
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """What the caller computed, so that a case can be proven. Nothing that an explainer may see."""

    algorithm: str  # "hmac-" and hashlib's name, or the name alone: no key
    key: bytes | None
    base: bytes
    mac_text: str  # as the caller wrote it, before it went into a header

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Signed:
        """From a case's ``signed``."""
        key = data["key_base64"]
        return cls(
            data["algorithm"], None if key is None else base64.b64decode(key), base64.b64decode(data["base_base64"]), data["mac_text"]
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One request as it arrived, what its verifier has, and what is wrong with it."""

    name: str
    made_with: str
    scheme_name: str
    overrides: Mapping[str, Any]
    verifier_has: Party
    others_have: tuple[Party, ...]
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    #: The verifier's clock, seconds since the epoch.
    now: float
    #: The codes of the mistakes; empty for a request that is right.
    expected: frozenset[str]
    #: Codes that say the same request's mistake as truly.
    also: frozenset[str]
    signed: Signed

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Case:
        """From one object of a corpus file."""
        request = data["request"]
        return cls(
            name=data["name"],
            made_with=data["made_with"],
            scheme_name=data["scheme"],
            overrides=data.get("overrides", {}),
            verifier_has=Party.read(data["credential"]),
            others_have=tuple(Party.read(other) for other in data.get("others", ())),
            method=request["method"],
            target=request["target"],
            headers=tuple((name, value) for name, value in request["headers"]),
            body=base64.b64decode(request["body_base64"], validate=True),
            now=data["now"],
            expected=frozenset(data["expected"]),
            also=frozenset(data.get("also", ())),
            signed=Signed.read(data["signed"]),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def scheme(self) -> payseal.Scheme:
        """The scheme it is meant for, overrides applied."""
        return payseal.scheme(self.scheme_name, **self.overrides)

    @property
    def request(self) -> payseal.Request:
        """The request as it arrived."""
        return payseal.Request(self.method, self.target, self.headers, self.body)

    @property
    def credential(self) -> payseal.Credential:
        """What the verifier has."""
        return self.verifier_has.credential()

    @property
    def others(self) -> tuple[payseal.Credential, ...]:
        """Other credentials that the same caller owns."""
        return tuple(other.credential() for other in self.others_have)

    def explain(self, *, budget: float = 0.5) -> payseal.Explanation:
        """What payseal says of it."""
        return payseal.explain(self.request, self.scheme, self.credential, now=self.now, others=self.others, budget=budget)


@functools.cache
def load() -> tuple[Case, ...]:
    """Every case, file by file."""
    return tuple(Case.read(data) for path in sorted(FOLDER.glob("*.json")) for data in json.loads(path.read_text("utf-8")))
