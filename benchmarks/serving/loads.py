"""What is asked: the same texts of every server, other ones at each concurrency and round."""

import random
from typing import Final, Literal

import msgspec

Kind = Literal["independent", "shared prefix", "multi-turn"]

TURNS: Final = 4  # of a conversation that has several
PREFIX_WORDS: Final = 400  # about as many tokens: these words have one each
# Plain words, so that prompts are plain text of a known length.
_TEXT: Final = (
    "time year people way day man thing woman life child world school state family student group"
    " country problem hand part place case week company system program question work government"
    " number night point home water room mother area money story fact month lot right study book"
    " eye job word business issue side kind head house service friend father power hour game line"
    " end member law car city community name president team minute idea kid body information back"
    " parent face level office door health person art war history party result change morning"
    " reason research girl guy moment air teacher force education"
)
_WORDS: Final = _TEXT.split()


class Load(msgspec.Struct, frozen=True):
    """So many callers at once, each with conversations of its own, one after the other."""

    kind: Kind
    at: int  # callers
    tokens: int  # to make for each question
    words: int  # of a question
    conversations: int  # of each caller
    seed: int

    @property
    def turns(self) -> int:
        """Questions in a conversation."""
        return TURNS if self.kind == "multi-turn" else 1

    def system(self) -> str:
        """What every conversation begins with; empty for none."""
        if self.kind != "shared prefix":
            return ""
        return _text(random.Random(f"{self.seed} shared {self.at}"), PREFIX_WORDS)

    def questions(self, caller: int, conversation: int) -> list[str]:
        """Return the questions of one conversation."""
        source = random.Random(f"{self.seed} {self.kind} {self.at} {caller} {conversation}")
        return [_text(source, self.words) for _ in range(self.turns)]


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choices(_WORDS, k=words))
