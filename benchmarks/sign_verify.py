"""Signing and verifying: payseal beside its peers, each as microseconds and as the ratio to `hmac.digest` of the same body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.contestant import Contestant, check, json_body
from benchmarks.ours import DIGEST, contestants, digest
from benchmarks.peers import installed
from benchmarks.progress import Progress
from benchmarks.timing import Call, Timed, interleaved, on_one_core

SIZES = (256, 4096, 1024 * 1024)
#: Rounds for each size, and seconds that a batch lasts about.
FULL = {256: 300, 4096: 300, 1024 * 1024: 120}
QUICK = {256: 30, 4096: 30, 1024 * 1024: 15}
BATCH = 0.001


def measure(rounds: dict[int, int], batch: float = BATCH) -> dict[str, Any]:
    """Every size with its rounds; what was measured, and who is missing and why."""
    peers, missing = installed()
    fit = []
    for contestant in [*contestants(), *peers]:
        try:
            check(contestant)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are measured
            missing[contestant.name] = f"{type(error).__name__}: {error}"
        else:
            fit.append(contestant)
    with on_one_core() as core:
        sizes = [measured(fit, size, count, batch) for size, count in rounds.items()]
    return {"pinned": core is not None, "batch_ms": batch * 1000, "sizes": sizes, "missing": missing}


def measured(fit: list[Contestant], size: int, rounds: int, batch: float) -> dict[str, Any]:
    """One size: both operations of everybody, in turn."""
    body = json_body(size)
    hashed = Call(DIGEST, digest, lambda count: [body] * count)
    # The reference once more, as one of the others: how far its ratio is from 1 is how far any of them may be off.
    calls = [hashed]
    calls += [Call(f"sign {each.name}", each.sign, outgoing(each, body)) for each in fit]
    calls += [Call(f"verify {each.name}", each.verify, incoming(each, body)) for each in fit if each.verify]
    with Progress(f"sign and verify, {shown(size)}") as progress:
        reference, timed = interleaved(
            hashed,
            calls,
            rounds=rounds,
            batch=batch,
            tell=lambda done: progress.tell(done, rounds, "rounds"),
        )
    found = {one.name: one for one in timed}
    return {
        "bytes": size,
        "rounds": rounds,
        "digest": {"us": rounded(reference.microseconds), "ratio": rounded(found[DIGEST].ratio)},
        "rows": [
            {
                "name": each.name,
                "does": each.does,
                "version": each.version,
                "sign": figures(found[f"sign {each.name}"]),
                "verify": figures(found.get(f"verify {each.name}")),
            }
            for each in fit
        ],
    }


def outgoing(contestant: Contestant, body: bytes) -> Callable[[int], list[Any]]:
    """Makes what is signed."""
    return lambda count: [contestant.outgoing(body) for _ in range(count)]


def incoming(contestant: Contestant, body: bytes) -> Callable[[int], list[Any]]:
    """Makes what is verified: signed just now, since what is old is refused."""

    def make(count: int) -> list[Any]:
        signed = contestant.sign(contestant.outgoing(body))
        return [contestant.incoming(body, signed) for _ in range(count)]

    return make


def figures(timed: Timed | None) -> dict[str, Any] | None:
    """As it is written down."""
    return None if timed is None else {"us": rounded(timed.microseconds), "ratio": rounded(timed.ratio)}


def rounded(values: tuple[float, ...]) -> list[float]:
    """No more digits than there is in it."""
    return [float(f"{value:.4g}") for value in values]


def shown(size: int) -> str:
    """256 B, 4 KiB, 1 MiB, 64 MiB."""
    for unit in ("B", "KiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} MiB"
