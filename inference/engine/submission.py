"""Bounds on what may be submitted; a refusal names the field, the bound and the remedy."""

import math
from typing import Final, NamedTuple

from inference.engine.queued import Request
from inference.engine.wire import Sampling, Submit

MAX_PENALTY: Final = 2.0
MIN_REPETITION_PENALTY: Final = 0.01
MAX_REPETITION_PENALTY: Final = 10.0
MAX_BIAS: Final = 100.0
MAX_BIASES: Final = 300
MAX_LOGPROBS: Final = 20
MAX_STOP_TOKENS: Final = 64
MAX_TEMPERATURE: Final = 100.0
MAX_STOP_STRINGS: Final = 64
MAX_STOP_CHARACTERS: Final = 1024
MAX_ID_CHARACTERS: Final = 256
MAX_PRIORITY: Final = 2  # interactive, jobs, batch
MAX_WEIGHT: Final = 100
MAX_DEADLINE_S: Final = 86_400
SEED_BOUND: Final = 2**63
_PENALTY: Final = f"-{MAX_PENALTY:g} to {MAX_PENALTY:g}"


class Refusal(NamedTuple):
    """Why a request is not taken. `code` is machine-readable, `detail` safe to show."""

    code: str
    detail: str


def wrong_task(task: str) -> Refusal:
    """Return why a runner does not take a request that is of another kind than its model."""
    return Refusal("wrong_task", f"this model does {task}, which the request does not ask for")


def refusal(request: Submit, *, vocabulary_size: int, context_length: int) -> Refusal | None:
    """Return why `request` cannot be served, or None if it can."""
    return (
        shared_refusal(request)
        or _prompt(request.prompt, vocabulary_size)
        or _length(request, context_length)
        or _sampling(request.sampling)
        or _logit_bias(request.sampling.logit_bias, vocabulary_size)
        or _stop(request.stop)
        or _stop_tokens(request.stop_token_ids, vocabulary_size)
    )


def shared_refusal(request: Request) -> Refusal | None:
    """Return what is wrong with the fields that requests of every kind have, or None."""
    return _request_id(request) or _scheduling(request)


def _request_id(request: Request) -> Refusal | None:
    if 1 <= len(request.request_id) <= MAX_ID_CHARACTERS:
        return None
    return Refusal(
        "invalid_request_id", f"request_id must have 1 to {MAX_ID_CHARACTERS} characters"
    )


def _prompt(prompt: list[int], vocabulary_size: int) -> Refusal | None:
    if not prompt:
        return Refusal("invalid_prompt", "the prompt is empty; it needs at least one token")
    if min(prompt) < 0 or max(prompt) >= vocabulary_size:
        bound = vocabulary_size - 1
        return Refusal("invalid_prompt", f"the prompt holds a token id outside 0 to {bound}")
    return None


def _length(request: Submit, context_length: int) -> Refusal | None:
    if request.max_tokens < 1:
        return Refusal("invalid_max_tokens", "max_tokens must be at least 1")
    if not 0 <= request.min_tokens <= request.max_tokens:
        bound = request.max_tokens
        return Refusal("invalid_min_tokens", f"min_tokens must be 0 to max_tokens, {bound}")
    wanted = len(request.prompt) + request.max_tokens
    if wanted > context_length:
        return Refusal(
            "context_length_exceeded",
            f"{len(request.prompt)} prompt tokens and max_tokens {request.max_tokens} make"
            f" {wanted}; the model's context is {context_length} tokens: lower one of them",
        )
    return None


def _sampling(sampling: Sampling) -> Refusal | None:
    checks = (
        ("temperature", 0 <= sampling.temperature <= MAX_TEMPERATURE, f"0 to {MAX_TEMPERATURE:g}"),
        ("top_p", 0 < sampling.top_p <= 1, "above 0 and at most 1"),
        ("top_k", 0 <= sampling.top_k < SEED_BOUND, "0 (no bound) or more"),
        ("min_p", 0 <= sampling.min_p <= 1, "0 to 1"),
        (
            "repetition_penalty",
            MIN_REPETITION_PENALTY <= sampling.repetition_penalty <= MAX_REPETITION_PENALTY,
            f"{MIN_REPETITION_PENALTY:g} to {MAX_REPETITION_PENALTY:g}",
        ),
        ("presence_penalty", abs(sampling.presence_penalty) <= MAX_PENALTY, _PENALTY),
        ("frequency_penalty", abs(sampling.frequency_penalty) <= MAX_PENALTY, _PENALTY),
        ("logprobs", 0 <= (sampling.logprobs or 0) <= MAX_LOGPROBS, f"0 to {MAX_LOGPROBS}"),
        ("seed", -SEED_BOUND <= (sampling.seed or 0) < SEED_BOUND, "a 64-bit signed integer"),
    )
    for name, holds, bound in checks:
        if not holds:
            return Refusal("invalid_sampling", f"{name} must be {bound}")
    # Below this, dividing by it overflows; asking for 0 says what is meant.
    if 0 < sampling.temperature < 1e-4 or math.isnan(sampling.temperature):
        return Refusal("invalid_sampling", "temperature must be 0 (greedy) or at least 0.0001")
    return None


def _logit_bias(bias: dict[int, float], vocabulary_size: int) -> Refusal | None:
    if len(bias) > MAX_BIASES:
        return Refusal("invalid_sampling", f"logit_bias holds more than {MAX_BIASES} tokens")
    if not all(0 <= token < vocabulary_size for token in bias):
        bound = vocabulary_size - 1
        return Refusal("invalid_sampling", f"logit_bias holds a token id outside 0 to {bound}")
    if not all(abs(added) <= MAX_BIAS for added in bias.values()):
        return Refusal("invalid_sampling", f"logit_bias must be -{MAX_BIAS:g} to {MAX_BIAS:g}")
    return None


def _scheduling(request: Request) -> Refusal | None:
    if not 0 <= request.priority <= MAX_PRIORITY:
        return Refusal("invalid_priority", f"priority must be 0 (first) to {MAX_PRIORITY}")
    if not 1 / MAX_WEIGHT <= request.weight <= MAX_WEIGHT:
        return Refusal("invalid_weight", f"weight must be {1 / MAX_WEIGHT} to {MAX_WEIGHT}")
    if request.deadline_s is not None and not 0 < request.deadline_s <= MAX_DEADLINE_S:
        return Refusal(
            "invalid_deadline", f"deadline_s must be above 0 and at most {MAX_DEADLINE_S} seconds"
        )
    return None


def _stop(stop: list[str]) -> Refusal | None:
    if len(stop) > MAX_STOP_STRINGS:
        return Refusal("invalid_stop", f"stop holds more than {MAX_STOP_STRINGS} strings")
    if any(not 1 <= len(text) <= MAX_STOP_CHARACTERS for text in stop):
        return Refusal(
            "invalid_stop", f"stop strings must have 1 to {MAX_STOP_CHARACTERS} characters"
        )
    return None


def _stop_tokens(tokens: list[int], vocabulary_size: int) -> Refusal | None:
    if len(tokens) > MAX_STOP_TOKENS:
        return Refusal("invalid_stop", f"stop_token_ids holds more than {MAX_STOP_TOKENS} ids")
    if not all(0 <= token < vocabulary_size for token in tokens):
        bound = vocabulary_size - 1
        return Refusal("invalid_stop", f"stop_token_ids holds an id outside 0 to {bound}")
    return None
