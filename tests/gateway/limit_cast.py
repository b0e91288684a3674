"""Rules, callers and requests for the tests of limits, and a web's view of the store."""

import asyncio
from typing import Any

from accounts.limit_rules import LimitRule
from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.engine.wire import Sampling
from inference.gateway.admission import admit
from inference.gateway.entry import Entry
from inference.gateway.limits.counters import Amounts
from inference.gateway.limits.reservation import Reservation
from inference.gateway.served import ServedModel
from inference.gateway.spec import GenerationSpec, Stopping
from tests.gateway.entries import entry

NOTHING = Amounts()


def rule(resource: str, window: str, amount: int, **fields: Any) -> LimitRule:
    """Return a rule that counts by user unless `per` says otherwise."""
    found = {"per": "user", "model_name": "", "source": "plan free", **fields}
    return LimitRule(resource=resource, window=window, amount=amount, **found)


def caller(*rules: LimitRule, user_id: int = 1, key_id: int | None = 5) -> Principal:
    """Return a principal who is bound by `rules`."""
    return Principal(user_id, "ada", False, key_id, "laptop", frozenset(), rules=rules)


def request(
    *, prompt: int = 4, max_tokens: int = 6, model: str = "tiny", **fields: Any
) -> GenerationSpec:
    """Return a request for `prompt` + `max_tokens` tokens at most; `fields` are the model's."""
    values: dict[str, Any] = {
        "id": 1,
        "name": model,
        "task": "chat",
        "is_default": True,
        "directory": "",
        "context_length": 4096,
        "max_output_tokens": 4096,
        "slots": 1000,
        "max_queue": 0,
        "default_temperature": 1.0,
        "default_top_p": 1.0,
        "created": 0,
        "price_prompt": 1_000,
        "price_completion": 2_000,  # 1e-12 of the currency each
        "price_image": 3_000,
        **fields,
    }
    served = ServedModel(**values)
    return GenerationSpec(
        model=served,
        prompt=[1] * prompt,
        asked="x",
        max_tokens=max_tokens,
        sampling=Sampling(),
        stopping=Stopping(),
    )


async def ask(who: Principal, what: GenerationSpec) -> Reservation | ApiError:
    """Return the reservation, or the refusal."""
    asked: Entry = entry(user_id=who.user_id, api_key_id=who.key_id)
    try:
        return await admit(asked, who, what)
    except ApiError as error:
        return error


async def at_once(count: int, who: Principal, what: GenerationSpec) -> list[Reservation | ApiError]:
    """Return what `count` that ask at the same moment were told."""
    return await asyncio.gather(*(ask(who, what) for _ in range(count)))


def admitted(answers: list[Reservation | ApiError]) -> list[Reservation]:
    """Return those that got in."""
    return [one for one in answers if isinstance(one, Reservation)]


async def settle_all(answers: list[Reservation | ApiError], used: Amounts = NOTHING) -> None:
    """End every request that got in, each having used so much."""
    await asyncio.gather(*(one.settle(used) for one in admitted(answers)))
