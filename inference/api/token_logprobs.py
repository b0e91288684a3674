"""Tokens with their logprobs, as chat completions and the native API write them."""

from typing import Any

from rest_framework import serializers

from inference.engine.wire import TokenLogprob


def named(logprobs: list[TokenLogprob]) -> list[dict[str, Any]]:
    """Return a member for each token: its text, its bytes, and the likeliest in its place."""
    return [
        {
            **_named(one.token, one.logprob),
            "top_logprobs": [_named(token, logprob) for token, logprob in one.top],
        }
        for one in logprobs
    ]


def text_of(token: bytes) -> str:
    """Return a token's text; half a character shows as U+FFFD, and its bytes say which."""
    return token.decode(errors="replace")


def _named(token: bytes, logprob: float) -> dict[str, Any]:
    return {"token": text_of(token), "logprob": logprob, "bytes": list(token)}


class RankedTokenSerializer(serializers.Serializer[Any]):
    """A token and how likely the model held it."""

    token = serializers.CharField()
    logprob = serializers.FloatField()
    bytes = serializers.ListField(child=serializers.IntegerField())


class TokenLogprobSerializer(RankedTokenSerializer):
    """A token of the answer, and the likeliest in its place."""

    top_logprobs = RankedTokenSerializer(many=True)
