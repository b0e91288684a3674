"""Parameters of OpenAI's API that this platform does not act on.

One that could change the answer is refused by name unless it has a value that asks for nothing;
one that could not is accepted and ignored. A name that is in no list is refused as unknown.
"""

from typing import Any, Final

from rest_framework.exceptions import ErrorDetail, ValidationError

# Accepted whatever they say: they steer billing, caching or records elsewhere, never the text.
HARMLESS: Final = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)

# Accepted with a value that asks for nothing; null always does.
NEUTRAL: Final[dict[str, tuple[Any, ...]]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "modalities": (["text"],),
    "moderation": (),
    "reasoning_effort": (),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}


def check_parameters(body: Any, known: frozenset[str]) -> None:
    """Raise ValidationError for the first parameter that cannot be served, naming it."""
    if not isinstance(body, dict):
        raise ValidationError("The body must be a JSON object.")
    for name, value in body.items():
        if name in known or name in HARMLESS:
            continue
        if name not in NEUTRAL:
            raise _refusal(name, "There is no such parameter.", "unknown_parameter")
        if value is not None and not _asks_nothing(value, NEUTRAL[name]):
            raise _refusal(name, _remedy(name), "unsupported_parameter")


def check_message(message: Any, known: frozenset[str]) -> None:
    """Raise ValidationError for the first member of a chat message that cannot be served.

    Empty ones are accepted: clients send answers back with every member that OpenAI's have.
    """
    members = message.items() if isinstance(message, dict) else ()
    for name, value in members:
        if name not in known and value is not None and value != []:
            raise _refusal(name, "Is not supported in a message.", "unsupported_parameter")


def _asks_nothing(value: Any, neutral: tuple[Any, ...]) -> bool:
    # True == 1 in Python; a truth value asks for nothing only where one is expected.
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in neutral)


def _remedy(name: str) -> str:
    allowed = " or ".join(str(value) for value in NEUTRAL[name])
    hint = f"Leave it out, or send {allowed}." if allowed else "Leave it out."
    return f"Is not supported and would change the answer. {hint}"


def _refusal(name: str, message: str, code: str) -> ValidationError:
    return ValidationError({name[:100]: [ErrorDetail(message, code)]})
