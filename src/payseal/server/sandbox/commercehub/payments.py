"""Charges, and what is done to them afterwards: each is looked at first, so that a fault meets only what is valid, and then done whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from payseal.server.sandbox.cards import KeptCard
from payseal.server.sandbox.commercehub import rules, transactions
from payseal.server.sandbox.commercehub.amounts import Amount
from payseal.server.sandbox.commercehub.rules import Kind, Refused, Standing, State
from payseal.server.sandbox.commercehub.sessions import Sessions
from payseal.server.sandbox.commercehub.transactions import Charge, Transaction
from payseal.server.sandbox.commercehub.wording import Wrong, refusal
from payseal.server.sandbox.faults import Stage
from payseal.server.sandbox.provider import Backing
from payseal.verification import Authenticated

__all__ = ["Asker", "Payments"]


@dataclass(frozen=True, slots=True)
class _Sequel:
    """Something that is done to a charge: what the rules say to it, and its state once it is done."""

    rule: Callable[[Standing, int | None], int]
    state: State


_SEQUELS: Final = {
    Kind.CAPTURE: _Sequel(rules.capturing, State.CAPTURED),
    Kind.CANCEL: _Sequel(rules.cancelling, State.AUTHORIZED),
    Kind.REFUND: _Sequel(rules.refunding, State.AUTHORIZED),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, under which request id, and what is to go wrong."""

    who: Authenticated
    stage: Stage

    @property
    def request_id(self) -> str:
        """The proven ``Client-Request-Id``."""
        return self.who.nonce or self.who.id


class Payments:
    """Everything raises `Failure`, worded, when it cannot be done, and `Staged` where a fault keeps it from being done."""

    def __init__(self, backing: Backing, sessions: Sessions) -> None:
        self._backing, self._sessions = backing, sessions

    def charge(self, asker: Asker, session: str, amount: Amount, *, capture: bool) -> Transaction:
        """Charge the card in a session, which ends with it, be the charge declined or not."""
        with self._backing.store.read() as connection:
            self._card(connection, asker, session)
        declined = asker.stage.meet(amount.minor, asker.who.id)
        state = State.DECLINED if declined else State.CAPTURED if capture else State.AUTHORIZED
        with self._backing.store.write() as connection:
            card = self._card(connection, asker, session)
            made = transactions.new_charge(
                asker.who.account, asker.request_id, state, amount.minor, amount.currency, card, self._backing.clock()
            )
            self._sessions.use_up(connection, session)
            transactions.add(connection, made)
        return made

    def sequel(self, asker: Asker, kind: Kind, charge_id: str, amount: Amount | None) -> Transaction:
        """Capture, cancel or refund a charge: without an amount all that such a request means."""
        with self._backing.store.read() as connection:
            _, minor = self._allowed(connection, asker, kind, charge_id, amount)
        declined = asker.stage.meet(minor, asker.who.id)
        state = State.DECLINED if declined else _SEQUELS[kind].state
        with self._backing.store.write() as connection:
            charge, minor = self._allowed(connection, asker, kind, charge_id, amount)
            made = transactions.part_of(charge, asker.request_id, kind, state, minor, self._backing.clock())
            transactions.add(connection, made)
        return made

    def found(self, asker: Asker, by: str, value: str) -> list[Transaction]:
        """The transactions that an inquiry asks for."""
        with self._backing.store.read() as connection:
            found = transactions.found(connection, asker.who.account, by, value)
        if not found:
            raise refusal(Wrong.NO_TRANSACTION)
        return found

    def _card(self, connection: Connection, asker: Asker, session: str) -> KeptCard:
        card = self._sessions.card(connection, session, asker.who.account)
        if card is None:
            raise refusal(Wrong.NO_SESSION)
        return card

    def _allowed(self, connection: Connection, asker: Asker, kind: Kind, charge_id: str, amount: Amount | None) -> tuple[Charge, int]:
        charge = transactions.charge_of(connection, asker.who.account, charge_id)
        if charge is None:
            raise refusal(Wrong.NO_CHARGE)
        if amount is not None and amount.currency != charge.first.currency:
            raise refusal(Wrong.CURRENCY)
        try:
            return charge, _SEQUELS[kind].rule(charge.standing, None if amount is None else amount.minor)
        except Refused as refused:
            raise refusal(refused.reason) from None
