"""MAC algorithms and encodings: RFC 4231's test cases, lengths, and that an unknown name is an error."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payseal
from payseal.mac import ALGORITHMS, ENCODINGS, PreparedMac, same

#: RFC 4231, section 4: key, data, HMAC-SHA-256, -384, -512. Case 5 is the truncated one and is given by its leading 128 bits.
RFC_4231 = {
    "case 1": (
        "0b" * 20,
        b"Hi There".hex(),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    ),
    "case 2": (
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ),
    "case 3": (
        "aa" * 20,
        "dd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
    ),
    "case 4": (
        bytes(range(1, 26)).hex(),
        "cd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
        "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
    ),
    "case 5": (
        "0c" * 20,
        b"Test With Truncation".hex(),
        "a3b6167473100ee06e0c796c2955552b",
        "3abf34c3503b2a23a46efc619baef897",
        "415fad6271580a531d4179bc891d87a6",
    ),
    "case 6": (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    ),
    "case 7": (
        "aa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. "
            b"The key needs to be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
        "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
    ),
}


@pytest.mark.parametrize("case", RFC_4231)
@pytest.mark.parametrize("column", [2, 3, 4], ids=["hmac-sha256", "hmac-sha384", "hmac-sha512"])
def test_rfc_4231(case: str, column: int) -> None:
    row = RFC_4231[case]
    algorithm = ALGORITHMS[("hmac-sha256", "hmac-sha384", "hmac-sha512")[column - 2]]
    prepared = PreparedMac(algorithm, bytes.fromhex(row[0]))
    data = bytes.fromhex(row[1])
    for pieces in ([data], [data[:7], data[7:]], [bytearray(data)], [memoryview(data)], [b"", data, b""]):
        mac = prepared.digest(pieces)
        assert len(mac) == algorithm.size
        assert mac.hex().startswith(row[column])
        assert len(row[column]) in (2 * algorithm.size, 32)


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_a_digest_is_hashlibs(name: str) -> None:
    assert PreparedMac(ALGORITHMS[name], None).digest([b"a", b"b"]) == hashlib.new(name, b"ab").digest()
    assert not ALGORITHMS[name].keyed


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=list(ALGORITHMS))
def test_a_key_is_given_exactly_where_one_is_taken(algorithm: payseal.mac.Algorithm) -> None:
    with pytest.raises(ValueError, match="takes"):
        PreparedMac(algorithm, None if algorithm.keyed else b"key")


def test_the_tables_hold_no_weak_hash() -> None:
    assert set(ALGORITHMS) == {"hmac-sha256", "hmac-sha384", "hmac-sha512", "sha256", "sha384", "sha512"}
    for name, algorithm in ALGORITHMS.items():
        assert algorithm.name == name
        assert algorithm.size == hashlib.new(algorithm.hash).digest_size


#: encoding → the text of the bytes fb ff fe … and its length for 32, 48 and 64 bytes
SPELLINGS = {
    "hex": ("fbfffe00", (64, 96, 128)),
    "hex-upper": ("FBFFFE00", (64, 96, 128)),
    "base64": ("+//+AA==", (44, 64, 88)),
    "base64url": ("-__-AA==", (44, 64, 88)),
    "base64url-unpadded": ("-__-AA", (43, 64, 86)),
    "base64-of-hex": (base64.b64encode(b"fbfffe00").decode(), (88, 128, 172)),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_encodings(name: str) -> None:
    text, lengths = SPELLINGS[name]
    encoding = ENCODINGS[name]
    assert encoding.encode(bytes.fromhex("fbfffe00")) == text
    assert tuple(encoding.length(size) for size in (32, 48, 64)) == lengths


def test_every_encoding_is_in_the_table() -> None:
    assert set(SPELLINGS) == set(ENCODINGS)


@given(mac=st.binary(min_size=1, max_size=80))
def test_an_encoding_writes_what_it_says(mac: bytes) -> None:
    """Length and alphabet are what the verifier trusts before it compares anything."""
    for name, encoding in ENCODINGS.items():
        text = encoding.encode(mac)
        assert len(text) == encoding.length(len(mac)), name
        assert encoding.alphabet.issuperset(text), name
        assert text.isascii(), name


def test_encodings_of_one_mac_differ() -> None:
    mac = hashlib.sha256(b"").digest()
    assert len({encoding.encode(mac) for encoding in ENCODINGS.values()}) == len(ENCODINGS)


SCHEME = 'name = "x"\n[signature]\nbase = "{{body}}"\nalgorithm = "{}"\nencoding = "{}"\n[headers]\nX-Signature = "{{signature}}"\n'


@pytest.mark.parametrize(
    "algorithm", ["hmac-sha1", "hmac-md5", "HMAC-SHA256", "hmac_sha256", "sha1", "md5", "none", "hmac-sha256 ", "hmac"]
)
def test_an_unknown_algorithm_is_an_error(algorithm: str) -> None:
    with pytest.raises(payseal.SchemeError, match=r"signature\.algorithm: .* is not known — one of: hmac-sha256"):
        payseal.Scheme.loads(SCHEME.format(algorithm, "hex"))
    with pytest.raises(KeyError):
        ALGORITHMS[algorithm]


@pytest.mark.parametrize("encoding", ["HEX", "base32", "base64 ", "b64", "raw", "binary"])
def test_an_unknown_encoding_is_an_error(encoding: str) -> None:
    with pytest.raises(payseal.SchemeError, match=r"signature\.encoding: .* is not known — one of: hex"):
        payseal.Scheme.loads(SCHEME.format("hmac-sha256", encoding))


@given(left=st.text(max_size=80), right=st.text(max_size=80))
def test_same_never_fails_and_is_equality_of_ascii_text(left: str, right: str) -> None:
    assert same(left, left)
    if left.isascii() and right.isascii():
        assert same(left, right) == (left == right)


def test_text_that_is_not_ascii_equals_no_signature() -> None:
    signature = ENCODINGS["hex"].encode(hmac.digest(b"key", b"", "sha256"))
    for text in ("é" * 64, "\ud800" * 64, signature[:-1] + "é", "\0" * 64, "１" * 64):
        assert not same(signature, text)


def test_a_prepared_mac_shows_and_gives_nothing_of_its_key() -> None:
    prepared = PreparedMac(ALGORITHMS["hmac-sha256"], b"a key that nobody sees")
    assert "nobody" not in f"{prepared} {prepared!r}"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds a key"):
            leave(prepared)
