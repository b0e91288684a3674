"""Logprobs as POST /v1/completions writes them: a list of each member over all tokens."""

import codecs
from collections.abc import Iterator
from typing import Any

from inference.api.token_logprobs import text_of
from inference.engine.wire import TokenLogprob


def columns(logprobs: list[TokenLogprob], start: int) -> dict[str, Any]:
    """Return the lists; `start` characters of the completion came before these tokens."""
    return {
        "tokens": [_name(one.token) for one in logprobs],
        "token_logprobs": [one.logprob for one in logprobs],
        "top_logprobs": [_likeliest(one) for one in logprobs],
        "text_offset": list(_places(logprobs, start)),
    }


def characters(logprobs: list[TokenLogprob]) -> int:
    """Return how many characters these tokens make together."""
    return len(text_of(b"".join(one.token for one in logprobs)))


def _places(logprobs: list[TokenLogprob], start: int) -> Iterator[int]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for one in logprobs:
        yield start
        start += len(decoder.decode(one.token))


def _likeliest(one: TokenLogprob) -> dict[str, float]:
    # OpenAI names the token itself as well, so there may be one more than was asked for.
    return {_name(token): logprob for token, logprob in [*one.top, (one.token, one.logprob)]}


def _name(token: bytes) -> str:
    """Return a token's text, or its bytes as OpenAI writes those of half a character."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in token)
