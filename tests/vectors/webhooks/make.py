"""Makes the vectors of this folder with hmac and base64 alone: ``python -m tests.vectors.webhooks.make``."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["FOLDER", "MADE", "written"]

FOLDER: Final = Path(__file__).parent
Vector = dict[str, Any]

MISSING, REPEATED, MALFORMED = "missing-header", "repeated-header", "malformed-header"
INVALID, OUTSIDE = "invalid-signature", "outside-window"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


# --- Standard Webhooks ---------------------------------------------------------------------------------------------------------------

#: Published, with the signature that belongs to them.
_SECRET_TEXT: Final = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ID, _AT, _TEST = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
_PUBLISHED: Final = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#: Published too, as one that is not theirs.
_FOREIGN: Final = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
_SECRET: Final = base64.b64decode(_SECRET_TEXT)


def _standard(
    name: str,
    code: str | None,
    *,
    signature: str | None = f"v1,{_PUBLISHED}",
    id: str | None = _ID,
    time: str | None = str(_AT),
    body: bytes = _TEST,
    at: float = _AT,
    more: list[tuple[str, str]] | None = None,
) -> Vector:
    sent = [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature), *(more or [])]
    headers = [[key, value] for key, value in sent if value is not None]
    return _vector(name, "standard-webhooks", _SECRET, body, headers, at, code)


def _signed(id: str = _ID, time: object = _AT, body: bytes = _TEST, *, secret: bytes = _SECRET, digest: str = "sha256") -> str:
    return _base64(hmac.digest(secret, f"{id}.{time}.".encode() + body, digest))


def _standard_webhooks() -> Iterator[Vector]:
    v1 = f"v1,{_PUBLISHED}"
    yield _standard("published_example", None)
    yield _standard("at_the_last_moment", None, at=_AT + 300)
    yield _standard("at_the_first_moment", None, at=_AT - 300)
    yield _standard("several_signatures", None, signature=f"v1,{_FOREIGN} v2,{_FOREIGN} {v1} v1,{_FOREIGN}")
    yield _standard("a_public_key_signature_beside_it", None, signature=f"v1a,{_base64(bytes(64))} {v1}")
    yield _standard("an_empty_body", None, body=b"", signature=f"v1,{_signed(body=b'')}")
    yield _standard("a_body_that_is_no_text", None, body=b"\xff\x00\xfe", signature=f"v1,{_signed(body=bytes([255, 0, 254]))}")

    yield _standard("no_id", MISSING, id=None)
    yield _standard("no_time", MISSING, time=None)
    yield _standard("no_signature", MISSING, signature=None)
    yield _standard("an_empty_id", MALFORMED, id="")
    yield _standard("an_empty_time", MALFORMED, time="")
    yield _standard("an_empty_signature", MALFORMED, signature="")
    for name, time in {
        "a_word": "hello",
        "a_fraction": "1614265330.0",
        "another_fraction": "1614265330.9",
        "an_exponent": "1.614265330e9",
        "infinity": "Infinity",
        "not_a_number": "NaN",
        "a_sign": "+1614265330",
        "a_minus": "-1614265330",
        "a_space": "1614265330 1",
        "hexadecimal": "0x6037c8b2",
        "an_underscore": "1_614_265_330",
        "a_zero_before": "01614265330",
        "milliseconds": "1614265330000",
        "other_digits": "١٦١٤٢٦٥٣٣٠",
        "a_thousand_digits": "1" * 1000,
        "a_date": "2021-02-25T15:02:10Z",
    }.items():
        yield _standard(f"the_time_is_{name}", MALFORMED, time=time, signature=f"v1,{_signed(time=time)}")
    yield _standard("too_old", OUTSIDE, at=_AT + 301)
    yield _standard("too_new", OUTSIDE, at=_AT - 301)
    yield _standard("of_1970", MALFORMED, time="0", signature=f"v1,{_signed(time=0)}")

    yield _standard("another_signature", INVALID, signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=")
    yield _standard("no_base64", MALFORMED, signature="v1,dawfeoifkpqwoekfpqoekf")
    yield _standard("the_first_bytes_alone", MALFORMED, signature="v1,g0hM9")
    yield _standard("the_first_bytes_as_base64", MALFORMED, signature=f"v1,{_base64(base64.b64decode(_PUBLISHED)[:16])}")
    yield _standard("the_prefix_alone", MALFORMED, signature="v1,")
    yield _standard("no_prefix", MALFORMED, signature=_PUBLISHED)
    yield _standard("another_version", MALFORMED, signature=f"v2,{_PUBLISHED}")
    yield _standard("another_version_too", MALFORMED, signature=f"v1a,{_PUBLISHED}")
    yield _standard("a_version_in_upper_case", MALFORMED, signature=f"V1,{_PUBLISHED}")
    yield _standard("a_space_behind_the_version", MALFORMED, signature=f"v1, {_PUBLISHED}")
    yield _standard("an_equals_sign", MALFORMED, signature=f"v1={_PUBLISHED}")
    yield _standard("commas_between_signatures", MALFORMED, signature=f"v1,{_FOREIGN},v1,{_PUBLISHED}")
    yield _standard("without_its_padding", MALFORMED, signature=v1.rstrip("="))
    yield _standard("more_padding", MALFORMED, signature=f"{v1}=")
    yield _standard("bits_that_do_not_count", INVALID, signature=f"v1,{_PUBLISHED[:-2]}F=")
    yield _standard("the_other_alphabet", MALFORMED, signature=v1.replace("+", "-").replace("/", "_"))
    yield _standard("hexadecimal", MALFORMED, signature=f"v1,{base64.b64decode(_PUBLISHED).hex()}")
    yield _standard("no_ascii", MALFORMED, signature=f"v1,{_PUBLISHED[:-1]}é")
    yield _standard("none_of_several", INVALID, signature=f"v1,{_FOREIGN} v1,{_FOREIGN}")
    yield _standard("the_right_one_among_five", MALFORMED, signature=" ".join([f"v1,{_FOREIGN}"] * 4 + [v1]))
    yield _standard("a_thousand_signatures", MALFORMED, signature=" ".join([f"v1,{_FOREIGN}"] * 1000 + [v1]))
    yield _standard("the_signature_in_two_headers", REPEATED, more=[("webhook-signature", f"v1,{_FOREIGN}")])
    yield _standard("the_id_in_two_headers", REPEATED, more=[("Webhook-Id", _ID)])
    yield _standard("the_time_in_two_headers", REPEATED, more=[("WEBHOOK-TIMESTAMP", str(_AT + 1))])

    yield _standard("another_body", INVALID, body=_TEST.replace(b"4", b"5"))
    yield _standard("a_space_more", INVALID, body=_TEST + b" ")
    yield _standard("another_id", INVALID, id=_ID[:-1])
    yield _standard("another_time", INVALID, time=str(_AT + 1))
    yield _standard(
        "bytes_moved_from_the_id_to_the_time", MALFORMED, id="msg.1", time=str(_AT), signature=f"v1,{_signed(id='msg', time=f'1.{_AT}')}"
    )
    yield _standard("bytes_moved_from_the_body_to_the_id", MALFORMED, id=f"{_ID}.{_AT}", signature=v1)
    yield _standard("the_secret_s_text_as_key", INVALID, signature=f"v1,{_signed(secret=_SECRET_TEXT.encode())}")
    yield _standard("no_key", INVALID, signature=f"v1,{_signed(secret=b'')}")
    yield _standard("sha_1", MALFORMED, signature=f"v1,{_signed(digest='sha1')}")
    yield _standard("sha_512", MALFORMED, signature=f"v1,{_signed(digest='sha512')}")
    yield _standard("the_body_alone", INVALID, signature=f"v1,{_base64(hmac.digest(_SECRET, _TEST, 'sha256'))}")


# --- Convoy --------------------------------------------------------------------------------------------------------------------------

_KEY, _NOW, _EVENT = b"a secret of our own", 1792000000, b'{"event":"payout.sent","minor":125000,"currency":"KES"}'


def _mac(base: bytes, digest: str = "sha256", *, key: bytes = _KEY) -> bytes:
    return hmac.digest(key, base, digest)


def _stamped(name: str, code: str | None, header: str | list[str], *, at: float = _NOW, overrides: dict[str, Any] | None = None) -> Vector:
    values = [header] if isinstance(header, str) else header
    return _vector(name, "stamped", _KEY, _EVENT, [["X-Signature", value] for value in values], at, code, overrides)


def _bare(name: str, code: str | None, header: str, overrides: dict[str, Any] | None = None) -> Vector:
    return _vector(name, "bare", _KEY, _EVENT, [["X-Signature", header]], _NOW, code, overrides)


def _convoy() -> Iterator[Vector]:
    stamped = f"{_NOW},".encode() + _EVENT
    for digest in ("sha256", "sha512"):
        for encoding in ("hex", "base64"):
            overrides = {"signature": {"algorithm": f"hmac-{digest}", "encoding": encoding}}
            simple, advanced = (mac.hex() if encoding == "hex" else _base64(mac) for mac in (_mac(_EVENT, digest), _mac(stamped, digest)))
            yield _bare(f"simple_{digest}_{encoding}_valid", None, simple, overrides)
            yield _stamped(f"advanced_{digest}_{encoding}_valid", None, f"t={_NOW},v1={advanced}", overrides=overrides)
    right, simple = _mac(stamped).hex(), _mac(_EVENT).hex()
    wrong, other = _mac(stamped, key=b"wrong").hex(), _mac(stamped, key=b"wrong too").hex()
    t = f"t={_NOW}"
    yield _stamped("advanced_tamper", INVALID, f"{t},v1={_flipped(right)}")
    yield _stamped("advanced_expired", OUTSIDE, f"{t},v1={right}", at=_NOW + 301)
    yield _stamped("advanced_t_not_first", None, f"v1={right},{t}")
    yield _stamped("advanced_multi_v1_one_valid", None, f"{t},v1={wrong},v1={right}")
    yield _stamped("advanced_multi_v1_none_valid", INVALID, f"{t},v1={wrong},v1={other}")
    yield _stamped("advanced_t_infinity", MALFORMED, f"t=Infinity,v1={right}")
    yield _stamped("advanced_numeric_signature", MALFORMED, f"{t},v1=1234567890")
    yield _stamped("advanced_missing_timestamp", MALFORMED, f"v1={right},v2={right}")
    yield _bare("simple_tamper", INVALID, _flipped(simple))

    for name, time in {
        "nan": "NaN",
        "minus_infinity": "-Infinity",
        "exponent": "1.792e9",
        "fraction": f"{_NOW}.0",
        "plus": f"+{_NOW}",
        "minus": f"-{_NOW}",
        "zero_before": f"0{_NOW}",
        "nothing": "",
        "space": f" {_NOW}",
        "milliseconds": f"{_NOW}000",
        "full_width": "１７９２０００００００",
        "hexadecimal": "0x6acfc000",
        "huge": "9" * 400,
    }.items():
        yield _stamped(f"t_{name}", MALFORMED, f"t={time},v1={_mac(f'{time},'.encode() + _EVENT).hex()}")
    yield _stamped("t_a_year_ahead", OUTSIDE, _header(_NOW + 31_536_000))
    yield _stamped("t_ten_nines", OUTSIDE, _header(9_999_999_999))
    yield _stamped("t_twice_the_same", MALFORMED, f"{t},{t},v1={right}")
    yield _stamped("t_twice_the_old_one_signed", MALFORMED, f"{t},t={_NOW - 9999},v1={_mac(f'{_NOW - 9999},'.encode() + _EVENT).hex()}")
    yield _stamped("t_of_another", INVALID, f"t={_NOW - 1},v1={right}")
    yield _stamped("t_with_a_capital", MALFORMED, f"T={_NOW},v1={right}")
    yield _stamped("t_under_another_label", MALFORMED, f"ts={_NOW},v1={right}")
    yield _stamped("v1_missing", MALFORMED, t)
    yield _stamped("v1_empty", MALFORMED, f"{t},v1=")
    yield _stamped("v1_with_a_capital", MALFORMED, f"{t},V1={right}")
    yield _stamped("v0_alone", MALFORMED, f"{t},v0={right}")
    yield _stamped("v1_in_upper_case", MALFORMED, f"{t},v1={right.upper()}")
    yield _stamped("v1_cut_short", MALFORMED, f"{t},v1={right[:32]}")
    yield _stamped("v1_too_long", MALFORMED, f"{t},v1={right}00")
    yield _stamped("v1_no_hex", MALFORMED, f"{t},v1={right[:-1]}g")
    yield _stamped("v1_no_ascii", MALFORMED, f"{t},v1={right[:-1]}é")
    yield _stamped("v1_with_a_nul", MALFORMED, f"{t},v1={right}\0")
    yield _stamped("v1_with_a_line_end", MALFORMED, f"{t},v1={right}\r\nX-Injected: 1")
    yield _stamped("v1_as_base64", MALFORMED, f"{t},v1={_base64(_mac(stamped))}")
    yield _stamped("v1_of_the_body_alone", INVALID, f"{t},v1={simple}")
    yield _stamped("v1_five_times", MALFORMED, ",".join([t, *[f"v1={wrong}"] * 4, f"v1={right}"]))
    yield _stamped("v1_four_times", None, ",".join([t, *[f"v1={wrong}"] * 3, f"v1={right}"]))
    yield _stamped("a_thousand_items", MALFORMED, ",".join([t, *["x=1"] * 1000, f"v1={right}"]))
    yield _stamped("items_of_other_kinds", None, f"a=1,{t},v0={wrong},v1={right},=")
    yield _stamped("spaces_between_items", None, f"{t}, v1={right}")
    yield _stamped("semicolons", MALFORMED, f"{t};v1={right}")
    yield _stamped("nothing_at_all", MALFORMED, "")
    yield _stamped("commas_alone", MALFORMED, ",,,")
    yield _stamped("two_headers", REPEATED, [f"{t},v1={wrong}", f"{t},v1={right}"])
    yield _stamped("two_headers_that_complete_each_other", REPEATED, [t, f"v1={right}"])
    yield _stamped("no_key", INVALID, f"{t},v1={_mac(stamped, key=b'').hex()}")
    yield _stamped("sha_1", MALFORMED, f"{t},v1={_mac(stamped, 'sha1').hex()}")
    yield _bare("simple_with_a_prefix", MALFORMED, f"sha256={simple}")
    yield _bare("simple_with_the_stamped_one", INVALID, right)
    yield _bare("simple_twice_in_one_header", MALFORMED, f"{simple},{simple}")
    yield _bare("simple_of_nothing", INVALID, _mac(b"").hex())


def _header(time: int) -> str:
    return f"t={time},v1={_mac(f'{time},'.encode() + _EVENT).hex()}"


def _flipped(text: str) -> str:
    return text[:-1] + ("1" if text[-1] == "0" else "0")


# --- both ----------------------------------------------------------------------------------------------------------------------------


def _vector(
    name: str,
    scheme: str,
    secret: bytes,
    body: bytes,
    headers: list[list[str]],
    at: float,
    code: str | None,
    overrides: dict[str, Any] | None = None,
) -> Vector:
    made = {"name": name, "scheme": scheme, "overrides": overrides or {}, "secret": _base64(secret), "body": _base64(body)}
    return {**made, "headers": headers, "at": at, "code": code}


#: File → its vectors.
MADE: Final = {"standard-webhooks.json": _standard_webhooks, "convoy.json": _convoy}


def written(file: str) -> str:
    """What the file holds: a vector a line."""
    lines = ",\n".join(" " + json.dumps(vector, ensure_ascii=True) for vector in MADE[file]())
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    for each in MADE:
        (FOLDER / each).write_text(written(each), "utf-8")
