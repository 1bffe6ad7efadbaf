"""What Startbutton is sent and what it answers. Inside, a request is what its model says."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from payseal.server.sandbox.provider import Model
from payseal.server.sandbox.startbutton.banks import Channel, Currency
from payseal.server.sandbox.startbutton.outcomes import Status
from payseal.server.sandbox.startbutton.webhooks.targets import MAX_URL, is_target

__all__ = [
    "BankList", "Event", "EventData", "ListedBank", "Recipient", "Refusal", "Transaction", "TransactionStatus", "Transfer", "TransferTaken",
    "Wallet", "WalletList",
]  # fmt: skip


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("printable", "may not hold control characters")
    return value


def _target(value: str) -> str:
    if not is_target(value):
        raise PydanticCustomError(
            "url", "must be an http or https URL of visible ASCII characters, without user name, password or fragment"
        )
    return value


_Optional: Final = BeforeValidator(_empty_is_none)
_Text: TypeAlias = Annotated[Annotated[str, Field(max_length=120), AfterValidator(_printable)] | None, _Optional]
_Code: TypeAlias = Annotated[Annotated[str, Field(pattern=r"^([0-9A-Za-z_.-]{1,40})?$")] | None, _Optional]
_Number: TypeAlias = Annotated[Annotated[str, Field(pattern=r"^(\+?[0-9A-Za-z]{6,34})?$")] | None, _Optional]


class Transfer(Model):
    """A payout to a bank account or to a mobile wallet."""

    amount: Annotated[int, Field(strict=True, gt=0, le=10**15, description="In the currency's smallest unit, a whole number.")]
    currency: Annotated[Currency, Field(description="The wallet that pays.")]
    country: Annotated[str, Field(min_length=2, max_length=60), AfterValidator(_printable)]
    bankCode: Annotated[_Code, Field(description="With accountNumber; see the bank list.")] = None
    accountNumber: _Number = None
    MNO: Annotated[_Code, Field(description="The mobile money operator. With msisdn.")] = None
    msisdn: Annotated[_Number, Field(description="The telephone number of the wallet.")] = None
    reference: Annotated[str | None, Field(description="16 to 100 letters and digits, used once. Another one is replaced.")] = None
    webhookUrl: Annotated[
        Annotated[Annotated[str, Field(max_length=MAX_URL), AfterValidator(_target)] | None, _Optional],
        Field(description="Where the events of this transfer are sent: this machine, or a host that the operator lists."),
    ] = None
    accountName: _Text = None
    recipientFirstName: _Text = None
    recipientLastName: _Text = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"amount": 1000, "currency": "GHS", "country": "Ghana", "bankCode": "GH01", "accountNumber": "0011223344"},
                {"amount": 1000, "currency": "KES", "country": "Kenya", "MNO": "KEM1", "msisdn": "254700000000"},
            ]
        }
    )

    @model_validator(mode="after")
    def _says_where_to(self) -> Transfer:
        bank, mobile = (self.bankCode, self.accountNumber), (self.MNO, self.msisdn)
        if any(bank) and any(mobile):
            raise PydanticCustomError("destination", "give bankCode and accountNumber, or MNO and msisdn, not both")
        if not (all(bank) or all(mobile)):
            raise PydanticCustomError("destination", "give bankCode and accountNumber, or MNO and msisdn")
        return self

    @property
    def channel(self) -> Channel:
        """How it is paid out."""
        return "bank" if self.bankCode else "mobile_money"

    @property
    def institution(self) -> str:
        """The code of who pays it out."""
        return self.bankCode or self.MNO or ""

    @property
    def ending(self) -> str:
        """All that is kept of where it goes."""
        return (self.accountNumber or self.msisdn or "")[-4:]

    @property
    def recipient_name(self) -> str | None:
        """The recipient as the merchant calls them."""
        return self.accountName or " ".join(part for part in (self.recipientFirstName, self.recipientLastName) if part) or None


class Refusal(Model):
    """Whatever was not done."""

    success: Literal[False]
    message: str


class TransferTaken(Model):
    """The transfer is under way. Its outcome comes by webhook, or is asked for by reference."""

    success: Literal[True] = True
    message: Literal["transfer"] = "transfer"
    data: Literal["processing"] = "processing"


class Recipient(Model):
    """Who is paid. Of the number the end is shown."""

    recipientName: str | None
    currency: str
    institutionType: Channel
    institutionName: str
    institutionNumber: str
    id: Annotated[str, Field(serialization_alias="_id")]


class Transaction(Model):
    """A transfer as it stands. ``amount`` is in minor units; times are UTC."""

    id: Annotated[str, Field(serialization_alias="_id")]
    transType: Literal["transfer"] = "transfer"
    status: Status
    feeAmount: Literal[0] = 0
    merchantId: str
    transactionReference: str
    userTransactionReference: Annotated[str | None, Field(description="The merchant's own reference; null where it gave none that fits.")]
    isRecurrent: Literal[False] = False
    gatewayReference: str | None
    createdAt: str
    updatedAt: str
    amount: int
    currency: str
    recipient: Recipient


class EventData(Model):
    transaction: Transaction
    authorizationCode: None = None


class TransactionStatus(Model):
    """What has become of a transfer."""

    success: Literal[True] = True
    message: Literal["transaction fetched"] = "transaction fetched"
    data: EventData


class Event(Model):
    """A webhook's body. ``event`` is ``transfer.`` and the status."""

    event: Literal["transfer.pending", "transfer.successful", "transfer.failed", "transfer.reversed"]
    data: EventData


class Wallet(Model):
    """A balance in minor units. The ledger balance counts pending transfers, which the available one does not."""

    id: Annotated[str, Field(serialization_alias="_id")]
    currency: str
    availableBalance: int
    ledgerBalance: int
    createdAt: str
    updatedAt: str


class WalletList(Model):
    """The merchant's wallets."""

    success: Literal[True] = True
    message: Literal["Wallet"] = "Wallet"
    data: list[Wallet]


class ListedBank(Model):
    """A bank or a mobile money operator."""

    name: str
    code: str
    id: int


class BankList(Model):
    """Who pays out in a currency."""

    success: Literal[True] = True
    message: Literal["Bank list retrieved"] = "Bank list retrieved"
    data: list[ListedBank]
