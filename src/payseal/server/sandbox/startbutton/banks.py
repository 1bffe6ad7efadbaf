"""Where Startbutton pays out: its currencies, and the banks and mobile money operators of each. The institutions are invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["INSTITUTIONS", "Channel", "Currency", "Institution", "name_of"]

Currency: TypeAlias = Literal["GHS", "KES", "NGN", "RWF", "TZS", "UGX", "XOF", "ZAR", "ZMW"]
Channel: TypeAlias = Literal["bank", "mobile_money"]


@dataclass(frozen=True, slots=True)
class Institution:
    """``code`` is what a transfer gives as ``bankCode`` or ``MNO``."""

    id: int
    code: str
    name: str


_GHANA, _KENYA, _NIGERIA, _SOUTH_AFRICA = "Ghana", "Kenya", "Nigeria", "South Africa"


def _bank(id: int, code: str, country: str) -> Institution:
    return Institution(id, code, f"Sandbox Bank {code} ({country})")


def _mobile(id: int, code: str, country: str) -> Institution:
    return Institution(id, code, f"Sandbox Mobile {code} ({country})")


#: `Currency` → `Channel` → who pays out.
INSTITUTIONS: Final[Mapping[str, Mapping[str, tuple[Institution, ...]]]] = {
    "GHS": {
        "bank": (_bank(101, "GH01", _GHANA), _bank(102, "GH02", _GHANA), _bank(103, "GH03", _GHANA)),
        "mobile_money": (_mobile(151, "GHM1", _GHANA), _mobile(152, "GHM2", _GHANA)),
    },
    "KES": {
        "bank": (_bank(201, "KE01", _KENYA), _bank(202, "KE02", _KENYA)),
        "mobile_money": (_mobile(251, "KEM1", _KENYA), _mobile(252, "KEM2", _KENYA)),
    },
    "NGN": {
        "bank": (_bank(301, "NG01", _NIGERIA), _bank(302, "NG02", _NIGERIA), _bank(303, "NG03", _NIGERIA)),
        "mobile_money": (),
    },
    "RWF": {"bank": (), "mobile_money": (_mobile(451, "RWM1", "Rwanda"),)},
    "TZS": {"bank": (), "mobile_money": (_mobile(551, "TZM1", "Tanzania"),)},
    "UGX": {"bank": (), "mobile_money": (_mobile(651, "UGM1", "Uganda"), _mobile(652, "UGM2", "Uganda"))},
    "XOF": {"bank": (), "mobile_money": (_mobile(751, "CIM1", "Côte d'Ivoire"),)},
    "ZAR": {"bank": (_bank(801, "ZA01", _SOUTH_AFRICA), _bank(802, "ZA02", _SOUTH_AFRICA)), "mobile_money": ()},
    "ZMW": {"bank": (), "mobile_money": (_mobile(951, "ZMM1", "Zambia"),)},
}


def name_of(currency: str, channel: str, code: str) -> str:
    """The institution's name; its code where it is not on the list, which a transfer may give all the same."""
    return next((each.name for each in INSTITUTIONS[currency][channel] if each.code == code), code)
