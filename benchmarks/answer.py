"""What stands in for the model, the same behind every gateway."""

from typing import Final

DELAY_S: Final = 0.02  # before the whole answer
TOKENS: Final = 16
WORD: Final = "word"
