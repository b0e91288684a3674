"""The bytes that a single token stands for, as logprobs name tokens."""

import re
from typing import Final

from inference.engine.text.tokenizer import Tokenizer

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_BYTE_TOKEN: Final = re.compile(r"<0x([0-9A-F]{2})>")


def _byte_characters() -> dict[str, int]:
    """Return character → byte of byte-level vocabularies (Radford et al., GPT-2, `encoder.py`).

    A byte that is a printable character stands for itself; the others follow from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    named = {chr(byte): byte for byte in printable}
    return named | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTE_CHARACTERS: Final = _byte_characters()


class TokenBytes:
    """Looks tokens up, each decoded once; at most the vocabulary is kept."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, bytes] = {}
        # Decoders strip a leading space from a text; behind another token it stays.
        plain = [token for token in tokenizer.encode("a") if token not in tokenizer.special_ids]
        self._before = plain[-1:]
        self._before_text = tokenizer.decode(self._before)

    def of(self, token: int) -> bytes:
        """Return the bytes of `token`: those of its name if special, none if unknown."""
        found = self._known.get(token)
        if found is None:
            found = self._known[token] = self._read(token)
        return found

    def _read(self, token: int) -> bytes:
        name = self._tokenizer.name_of(token)
        if name is None:
            return b""
        if token in self._tokenizer.special_ids:
            return name.encode()
        text = self._tokenizer.decode([*self._before, token])[len(self._before_text) :]
        return text.encode() if _REPLACEMENT not in text else _broken(name, text)


def _broken(name: str, text: str) -> bytes:
    """Return the bytes of a token that is no text of its own."""
    if match := _BYTE_TOKEN.fullmatch(name):
        return bytes([int(match[1], 16)])
    if all(character in _BYTE_CHARACTERS for character in name):
        return bytes(_BYTE_CHARACTERS[character] for character in name)
    return text.encode()
