"""The one thread behind Startbutton: transfers are settled when their time comes, and webhooks are sent.

What is to be done stands in the database with the time it is due, so that a restart loses nothing: what is overdue is done first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from payseal.server.sandbox.provider import Backing
from payseal.server.sandbox.startbutton.transfers import settle_due
from payseal.server.sandbox.startbutton.webhooks.delivery import SCHEDULE, Postman, Schedule

__all__ = ["running"]

_logger: Final = logging.getLogger("payseal")

#: Seconds between two looks at what is due.
_POLL: Final = 0.1


@contextmanager
def running(backing: Backing, schedule: Schedule = SCHEDULE) -> Iterator[None]:
    """Settle and deliver, from a thread, for as long as the block runs. In the end a webhook that is being sent is finished first."""
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(backing, Postman(backing, schedule), stop), name="payseal-startbutton", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=schedule.timeout + 5)


def _work(backing: Backing, postman: Postman, stop: threading.Event) -> None:
    failing = False
    while not stop.is_set():
        try:
            # A transfer waits for one webhook at most.
            busy = settle_due(backing) > 0
            busy = postman.send_next() or busy
            failing = False
        except Exception as error:  # noqa: BLE001 - whatever a database raises: the thread must live to see it work again
            if not failing:
                _logger.error("transfers are not settled and webhooks not sent, until it works again: %s", type(error).__name__)
            failing, busy = True, False
        if not busy:
            stop.wait(_POLL)
