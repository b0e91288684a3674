"""Token ids to text, one at a time, as they are generated."""

from typing import Final

from inference.engine.text.tokenizer import Tokenizer

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# A character is at most four bytes, so at most four tokens; more than that is not one character
# arriving piece by piece, it is bytes that are no UTF-8.
_MAX_HELD_TOKENS: Final = 8


class Detokenizer:
    """Gives the text of a growing sequence of ids without ever showing half a character.

    What an id adds to the text depends on its neighbours (leading spaces, characters made of
    several byte tokens), so each id is decoded behind the ids of the last complete piece of text
    and what they alone give is cut off. That window never grows beyond twice the bound on held
    tokens, so an id costs constant time however long the text is.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._window: list[int] = []
        self._context = 0  # ids at the window's start whose text was already given
        self._shown = 0  # characters of the window's text that were already given

    def push(self, token_id: int) -> str:
        """Take the next id. Return the text that is certain now; special tokens have none."""
        if token_id in self._tokenizer.special_ids:
            return ""
        self._window.append(token_id)
        text = self._tokenizer.decode(self._window)
        incomplete = text.endswith(_REPLACEMENT)
        if incomplete and len(self._window) - self._context < _MAX_HELD_TOKENS:
            return ""
        # Broken bytes are shown as the tokenizer shows them, less the last: more may complete it.
        certain = len(text) - incomplete
        new = text[self._shown : certain]
        self._slide(incomplete)
        return new

    def flush(self) -> str:
        """End of the text: return what was held, less the character that was never completed."""
        text = self._tokenizer.decode(self._window)[self._shown :]
        self._window, self._context, self._shown = [], 0, 0
        return text.rstrip(_REPLACEMENT)

    def _slide(self, incomplete: bool) -> None:
        del self._window[: self._context]
        self._context = len(self._window)
        self._shown = max(0, len(self._tokenizer.decode(self._window)) - incomplete)
