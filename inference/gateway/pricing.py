"""What tokens cost, in whole COST_UNITS-ths of the currency, rounded up once a request."""

from typing import Final

from accounts.limit_rules import COST_UNITS
from inference.gateway.served import ServedModel

_PRICES: Final = 10**12  # in which fractions of the currency a served model's prices are


def cost(model: ServedModel, prompt_tokens: int, completion_tokens: int, images: int = 0) -> int:
    """Return what a request costs that read and made so many tokens, and read so many pictures."""
    exact = prompt_tokens * model.price_prompt + completion_tokens * model.price_completion
    exact += images * model.price_image
    return -(-exact * COST_UNITS // _PRICES)
