"""The visible text of one completion: tokens in, text that may be shown out."""

from inference.engine.text.detokenizer import Detokenizer
from inference.engine.text.stop import StopFilter
from inference.engine.text.tokenizer import Tokenizer


class CompletionText:
    """Holds back incomplete characters and whatever may begin a stop string."""

    def __init__(self, tokenizer: Tokenizer, stop: list[str]) -> None:
        self._detokenizer = Detokenizer(tokenizer)
        self._filter = StopFilter(stop)
        self.stopped = False  # a stop string was seen; nothing after it is shown

    def push(self, token: int) -> str:
        """Return the text that `token` makes certain."""
        return self._show(self._detokenizer.push(token))

    def finish(self) -> str:
        """Return what was held back. Call once, after the last token."""
        shown = self._show(self._detokenizer.flush())
        return shown if self.stopped else shown + self._filter.flush()

    def _show(self, text: str) -> str:
        if self.stopped:
            return ""
        shown, self.stopped = self._filter.push(text)
        return shown
