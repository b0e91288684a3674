"""Texts to embed: the same for everybody who is measured, and no two alike."""

import random
from typing import Final

_WORDS: Final = (
    *("river", "market", "garden", "engine", "letter", "window", "winter", "paper", "street"),
    *("music", "doctor", "bridge", "summer", "kitchen", "planet", "forest", "number", "history"),
    *("island", "teacher", "animal", "machine", "morning", "village", "silver", "question"),
    *("answer", "weather", "picture", "colour", "travel", "house", "water", "light", "night"),
)


def texts(count: int, words: int) -> list[str]:
    """Return `count` texts, of half to one and a half times `words` words each."""
    chance = random.Random(0)
    return [
        " ".join(chance.choices(_WORDS, k=chance.randint(max(1, words // 2), words * 3 // 2)))
        for _ in range(count)
    ]
