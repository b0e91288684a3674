"""Fields that both protocols share, each with its bounds."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from inference.engine.wire import Sampling
from inference.gateway.served import ServedModel
from inference.gateway.spec import Stopping

MAX_STOP_STRINGS: Final = 16
MAX_STOP_LENGTH: Final = 256  # characters
MAX_TOKENS: Final = 1_048_576
MAX_SEED: Final = 2**63 - 1
MAX_PENALTY: Final = 2
MAX_BIAS: Final = 100
MAX_BIASES: Final = 300
MAX_LOGPROBS: Final = 20
MAX_STOP_TOKENS: Final = 64
MAX_CHOICES: Final = 16
# Below this the engine would divide by next to nothing; what is meant is greedy.
_LEAST_TEMPERATURE: Final = 1e-4
_LEAST_TOP_P: Final = 1e-9


class StrictBoolean(serializers.BooleanField):
    """true or false, and not one of the many words DRF takes for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictInteger(serializers.IntegerField):
    """A whole number as JSON writes it, not a string or a truth value."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictFloat(serializers.FloatField):
    """A number as JSON writes it."""

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """A string as JSON writes it, its blanks kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


_STRINGS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_STOP_STRINGS}


@extend_schema_field({"oneOf": [{"type": "string"}, _STRINGS]})
class StopField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """One stop string or a list of them."""

    def to_internal_value(self, data: Any) -> list[str]:
        strings = [data] if isinstance(data, str) else data
        if not isinstance(strings, list) or not all(isinstance(one, str) for one in strings):
            raise serializers.ValidationError("Give a string or a list of strings.")
        if len(strings) > MAX_STOP_STRINGS:
            raise serializers.ValidationError(f"At most {MAX_STOP_STRINGS} strings.")
        if not all(0 < len(one) <= MAX_STOP_LENGTH for one in strings):
            raise serializers.ValidationError(f"Each string has 1 to {MAX_STOP_LENGTH} characters.")
        return strings

    def to_representation(self, value: Any) -> Any:
        return value


_BIAS: Final = {"type": "number", "minimum": -MAX_BIAS, "maximum": MAX_BIAS}


@extend_schema_field({"type": "object", "additionalProperties": _BIAS})
class LogitBiasField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """What is added to the logits of single tokens: an object, token id → number."""

    def to_internal_value(self, data: Any) -> dict[int, float]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give an object: token id → number.")
        if len(data) > MAX_BIASES:
            raise serializers.ValidationError(f"At most {MAX_BIASES} tokens.")
        return {self._token(name): self._added(value) for name, value in data.items()}

    def _token(self, name: str) -> int:
        if not (name.isascii() and name.isdecimal() and len(name) <= 10):
            raise serializers.ValidationError("Token ids are whole numbers from 0.")
        return int(name)

    def _added(self, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > MAX_BIAS:
            raise serializers.ValidationError(f"Numbers must be -{MAX_BIAS} to {MAX_BIAS}.")
        return float(value)

    def to_representation(self, value: Any) -> Any:
        return value


_TOKENS: Final = {"type": "array", "items": {"type": "integer"}, "maxItems": MAX_STOP_TOKENS}


@extend_schema_field(_TOKENS)
class TokenIdsField(serializers.Field):  # type: ignore[type-arg]  # DRF's stubs want four parameters
    """A list of token ids."""

    def to_internal_value(self, data: Any) -> list[int]:
        if not isinstance(data, list) or not all(type(one) is int and one >= 0 for one in data):
            raise serializers.ValidationError("Give a list of token ids, whole numbers from 0.")
        if len(data) > MAX_STOP_TOKENS:
            raise serializers.ValidationError(f"At most {MAX_STOP_TOKENS} token ids.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def temperature(**options: Any) -> StrictFloat:
    """0 is greedy; above that, how freely tokens are drawn."""
    return StrictFloat(min_value=0, max_value=2, required=False, **options)


def top_p(**options: Any) -> StrictFloat:
    """Draw from the likeliest tokens that together hold this much of the probability."""
    return StrictFloat(min_value=0, max_value=1, required=False, **options)


def top_k(**options: Any) -> StrictInteger:
    """Draw from this many of the likeliest tokens; 0 is no bound."""
    return StrictInteger(min_value=0, max_value=1_000_000, required=False, **options)


def min_p(**options: Any) -> StrictFloat:
    """Draw from tokens at least this many times as likely as the likeliest."""
    return StrictFloat(min_value=0, max_value=1, required=False, **options)


def repetition_penalty(**options: Any) -> StrictFloat:
    """Above 1, tokens of the prompt and the answer become less likely; below 1, more."""
    return StrictFloat(min_value=0.01, max_value=10, required=False, **options)


def penalty(**options: Any) -> StrictFloat:
    """What is taken off the logits of tokens that the answer holds already."""
    return StrictFloat(min_value=-MAX_PENALTY, max_value=MAX_PENALTY, required=False, **options)


def top_logprobs(**options: Any) -> StrictInteger:
    """How many of the likeliest tokens are named with each token."""
    return StrictInteger(min_value=0, max_value=MAX_LOGPROBS, required=False, **options)


def min_tokens(**options: Any) -> StrictInteger:
    """Until the answer has so many tokens, nothing ends it."""
    return StrictInteger(min_value=0, max_value=MAX_TOKENS, required=False, **options)


def choices(**options: Any) -> StrictInteger:
    """How many answers to give; each counts as a request of the model's."""
    return StrictInteger(min_value=1, max_value=MAX_CHOICES, required=False, **options)


def seed(**options: Any) -> StrictInteger:
    """The same seed gives the same text."""
    return StrictInteger(
        min_value=-MAX_SEED, max_value=MAX_SEED, required=False, allow_null=True, **options
    )


def check_logprobs(fields: dict[str, Any]) -> None:
    """Raise ValidationError for alternatives to logprobs that were not asked for."""
    if fields.get("top_logprobs") and not fields.get("logprobs"):
        message = "Needs `logprobs` to be true."
        raise serializers.ValidationError({"top_logprobs": message})


def sampling_of(fields: dict[str, Any], model: ServedModel) -> Sampling:
    """Return how tokens are chosen: validated fields, and the model's own where there are none."""
    temperature = _given(fields, "temperature", model.default_temperature)
    return Sampling(
        temperature=temperature if temperature >= _LEAST_TEMPERATURE else 0.0,
        top_p=max(_given(fields, "top_p", model.default_top_p), _LEAST_TOP_P),
        top_k=fields.get("top_k") or 0,
        min_p=fields.get("min_p") or 0.0,
        repetition_penalty=_given(fields, "repetition_penalty", 1.0),
        presence_penalty=fields.get("presence_penalty") or 0.0,
        frequency_penalty=fields.get("frequency_penalty") or 0.0,
        logit_bias=fields.get("logit_bias") or {},
        logprobs=_alternatives(fields),
        seed=fields.get("seed"),
    )


def stopping_of(fields: dict[str, Any]) -> Stopping:
    """Return what ends the answer, out of validated fields."""
    return Stopping(
        strings=fields.get("stop") or [],
        token_ids=fields.get("stop_token_ids") or [],
        min_tokens=fields.get("min_tokens") or 0,
        ignore_eos=bool(fields.get("ignore_eos")),
    )


def _given(fields: dict[str, Any], name: str, otherwise: float) -> float:
    value: float | None = fields.get(name)
    return otherwise if value is None else value


def _alternatives(fields: dict[str, Any]) -> int | None:
    """Return how many alternatives to name, or None: no logprobs.

    `logprobs` is a number where completions take it, elsewhere a truth value beside another number.
    """
    asked: int | bool | None = fields.get("logprobs")
    if asked is None or asked is False:
        return None
    return fields.get("top_logprobs") or 0 if asked is True else asked
