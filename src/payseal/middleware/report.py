"""What the operator reads: the logger ``payseal``. No line carries a header's value, a body or a secret.

A refusal is one line at INFO. What needs a person (a ledger or a key store that fails) is at ERROR. A foreign exception is named by its
type and place alone, at DEBUG with the way there: its text may hold a connection string or a statement's values.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

from payseal.errors import PaysealError, Rejected

__all__ = ["cancelled", "failed", "lost", "refused", "unrecorded", "unsettled", "websocket_refused"]

_logger: Final = logging.getLogger("payseal")


def refused(rejected: Rejected, scheme: str, trace: str) -> None:
    """A request was refused."""
    _logger.info(
        "refused code=%s status=%d scheme=%s diagnosis=%s trace=%s",
        rejected.code,
        rejected.status,
        scheme,
        rejected.diagnosis or "-",
        trace,
    )


def websocket_refused(scheme: str) -> None:
    """A WebSocket was asked for where requests must be signed."""
    _logger.info("refused code=websocket scheme=%s diagnosis=- trace=-", scheme)


def failed(what: str, error: BaseException) -> None:
    """Something of this server's own failed, and a request could not be judged."""
    _error(f"{what} failed, the request is refused", error)


def cancelled(scheme: str) -> None:
    """A request was stopped in the middle of its work, by its server: the id stays claimed."""
    _logger.warning("a request was cancelled at work, how it ended is not known scheme=%s", scheme)


def unrecorded(error: BaseException) -> None:
    """Whoever keeps a record of decisions failed."""
    _error("recording a decision failed, the request is answered all the same", error)


def unsettled(status: int | None, error: BaseException) -> None:
    """The work is over and the ledger could not be told: the id stays claimed until its lease is over."""
    _error(f"the outcome of a request (status {status}) could not be recorded, its answer is given all the same", error)


def lost(status: int | None) -> None:
    """The work took longer than its lease, and another request has taken the id over."""
    _logger.warning("a request (status %s) ended after its claim was lost: make the lease longer than the work takes", status)


def _error(what: str, error: BaseException) -> None:
    # payseal's own exceptions carry no secret by contract.
    text = str(error) if isinstance(error, PaysealError) else _place(error)
    _logger.error("%s: %s: %s", what, type(error).__name__, text)
    _logger.debug("%s", "".join(traceback.format_tb(error.__traceback__)))


def _place(error: BaseException) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"at {step.tb_frame.f_code.co_filename}:{step.tb_lineno}" if step else "no traceback"
