"""What one sign and one verify cost beside the hash itself: ratios to `hmac.digest` of the same body, in the same run, interleaved.

    python benchmarks/hotpath.py [--rounds 300] [--scheme fiserv-payments] [--source path]

Each figure is the least of many short turns, taken in rotation, so that what else runs on the machine cannot favour one of them. A turn is
long enough to hold everything that is done once for many: 256 calls, in which ids are made in advance twice.
``verify`` is given a request that is new each time, made before the clock starts, so that nothing it keeps about one is found again; the
row ``server`` is what a server pays for a request: making it from the pairs of bytes that ASGI gives, reading and checking it.
``--source`` measures another copy of the package (the folder that holds ``payseal``), such as an older one.
"""

from __future__ import annotations

import argparse
import hmac
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = {"256 B": 256, "4 KiB": 4096, "1 MiB": 1_048_576}
SECRET = "Sk3-example+secret/with=chars"


def body_of(size: int) -> bytes:
    """A JSON body of that many bytes."""
    frame = b'{"amount":1000,"currency":"KES","note":""}'
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


def turns(payseal: Any, scheme_name: str, body: bytes, count: int) -> dict[str, Callable[[], float]]:
    """For each row, what takes the time (seconds) of one of its calls."""
    scheme = payseal.scheme(scheme_name)
    credential = payseal.Credential("merchant-1", SECRET, "saAOM9qjmKfdazqgoZrKbJuukCP9")
    signer = payseal.Signer(scheme, credential)
    verifier = payseal.Verifier(scheme, {"merchant-1": credential}, allow_unkeyed=not scheme.keyed)
    plain = payseal.Request("POST", "/payments", {"Content-Type": "application/json"}, body)
    key = SECRET.encode()

    def signed() -> dict[str, str]:
        return {"Content-Type": "application/json", **signer.sign(plain)}

    def took(call: Callable[[Any], object], arguments: list[Any]) -> float:
        began = time.perf_counter()
        for each in arguments:
            call(each)
        return (time.perf_counter() - began) / len(arguments)

    def server(pairs: list[tuple[bytes, bytes]]) -> None:
        request = payseal.Request("POST", "/payments", pairs, body)
        presented = verifier.read(request)
        verifier.check(request, presented, verifier.find(presented))

    def arriving() -> list[list[tuple[bytes, bytes]]]:
        return [[(name.lower().encode(), value.encode()) for name, value in signed().items()] for _ in range(count)]

    return {
        "hmac.digest": lambda: took(lambda each: hmac.digest(key, each, "sha256"), [body] * count),
        "sign": lambda: took(signer.sign, [plain] * count),
        "verify": lambda: took(verifier.verify, [payseal.Request("POST", "/payments", signed(), body) for _ in range(count)]),
        "server": lambda: took(server, arriving()),
    }


def measured(rows: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    least = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, turn in rows.items():
            least[name] = min(least[name], turn())
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--scheme", default="fiserv-payments")
    parser.add_argument("--source", default=str(Path(__file__).parent.parent / "src"))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    sys.path.insert(0, chosen.source)
    import payseal

    found = {}
    for label, size in SIZES.items():
        count = 256 if size < 100_000 else 1
        rounds = chosen.rounds if size < 100_000 else min(chosen.rounds, 300)
        found[label] = measured(turns(payseal, chosen.scheme, body_of(size), count), rounds)
    if chosen.json:
        print(json.dumps(found))
        return
    for label, least in found.items():
        base = least["hmac.digest"]
        print(f"{label:>6}  " + "  ".join(f"{name} {value * 1e6:8.2f} µs ({value / base:.2f})" for name, value in least.items()))


if __name__ == "__main__":
    main()
