"""The visible text of one completion: tokens in, text that may be shown out."""

from inference.engine.text.detokenizer import Detokenizer
from inference.engine.text.stop import StopFilter
from inference.engine.text.tokenizer import Tokenizer


class CompletionText:
    """Holds back incomplete characters and whatever may begin a stop string."""

    def __init__(self, tokenizer: Tokenizer, stop: list[str], min_tokens: int = 0) -> None:
        """The text of the first `min_tokens` tokens is not searched for stop strings."""
        self._detokenizer = Detokenizer(tokenizer)
        self._filter = StopFilter(stop)
        self._unsearched = min_tokens
        self.stopped = False  # a stop string was seen; nothing after it is shown
        self.made = 0  # characters of complete text, shown or held back,
        self.shown = 0  # and of those shown

    def push(self, token: int) -> str:
        """Return the text that `token` makes certain."""
        text = self._detokenizer.push(token)
        if self._unsearched > 0:
            self._unsearched -= 1
            self.made += len(text)
            return self._shown(text)
        return self._search(text)

    def finish(self) -> str:
        """Return what was held back. Call once, after the last token."""
        text = self._search(self._detokenizer.flush())
        return text if self.stopped else text + self._shown(self._filter.flush())

    def _search(self, text: str) -> str:
        self.made += len(text)
        if self.stopped:
            return ""
        text, self.stopped = self._filter.push(text)
        return self._shown(text)

    def _shown(self, text: str) -> str:
        self.shown += len(text)
        return text
