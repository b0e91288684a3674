"""Cost as people and programs read it: exactly."""

from decimal import Decimal
from typing import Final

from accounts.limit_rules import COST_UNITS

_DECIMALS: Final = len(str(COST_UNITS)) - 1


def cost_text(nano: int) -> str:
    """Return an amount of cost as a decimal: 1500000 (1e-9 of the currency) is `0.0015`."""
    text = f"{Decimal(nano).scaleb(-_DECIMALS):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
