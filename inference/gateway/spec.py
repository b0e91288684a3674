"""What a door asks the gateway for: a generation, or an answer to each of several items."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.conf import settings

from inference.engine import wire
from inference.engine.wire import Sampling
from inference.gateway import pricing
from inference.gateway.limits.counters import Amounts
from inference.gateway.served import ServedModel

INTERACTIVE: Final = 0  # the priority of what somebody waits for; 1 jobs, 2 lines of batches


class Stopping(msgspec.Struct, frozen=True):
    """What ends an answer before its length does."""

    strings: list[str] = []
    token_ids: list[int] = []
    min_tokens: int = 0  # until then nothing does
    ignore_eos: bool = False


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One request, whatever door it came in by and whatever kind of model it asks."""

    model: ServedModel
    asked: Any  # what came, as the history keeps it
    stream: bool = False
    priority: int = INTERACTIVE

    @property
    def prompt_tokens(self) -> int:
        """Tokens that are read."""
        return 0

    @property
    def images(self) -> int:
        """Pictures that are read."""
        return 0

    @property
    def choices(self) -> int:
        """Answers that run beside each other, each in a place of its own."""
        return 1

    @property
    def most_used(self) -> Amounts:
        """The most that the request can use: what is read is known, the answer is bounded."""
        raise NotImplementedError

    @property
    def beginning(self) -> Sequence[int]:
        """What a replica may have read already of it; nothing where that is of no use."""
        return ()

    def submits(self, request_id: str, tenant: str, weight: float) -> Sequence[wire.Asked]:
        """Return what the runner is asked, a request for each choice."""
        raise NotImplementedError


class GenerationSpec(Spec, frozen=True, kw_only=True):
    """One generation; the prompt already tokenized."""

    prompt: list[int]  # token ids
    max_tokens: int  # new tokens, at most what the context leaves
    sampling: Sampling
    stopping: Stopping
    n: int = 1  # choices, each of at most `max_tokens`
    pictures: list[bytes] = []  # the files of those that the prompt has room for, in their order

    @property
    def prompt_tokens(self) -> int:
        return len(self.prompt)

    @property
    def images(self) -> int:
        return len(self.pictures)

    @property
    def choices(self) -> int:
        return self.n

    @property
    def most_used(self) -> Amounts:
        completion = self.max_tokens * self.n
        return Amounts(
            requests=1,
            tokens=self.prompt_tokens + completion,
            images=self.images,
            cost=pricing.cost(self.model, self.prompt_tokens, completion, self.images),
            concurrency=self.n,
        )

    @property
    def beginning(self) -> Sequence[int]:
        return self.prompt

    def submits(self, request_id: str, tenant: str, weight: float) -> Sequence[wire.Submit]:
        one = wire.Submit(
            request_id=request_id,
            prompt=self.prompt,
            max_tokens=self.max_tokens,
            sampling=self.sampling,
            stop=self.stopping.strings,
            stop_token_ids=self.stopping.token_ids,
            min_tokens=self.stopping.min_tokens,
            ignore_eos=self.stopping.ignore_eos,
            tenant=tenant,
            weight=weight,
            priority=self.priority,
            deadline_s=settings.REQUEST_TIMEOUT_S,
            images=self.pictures,
        )
        return [one] if self.n == 1 else [_choice_of(one, index) for index in range(self.n)]


class ItemsSpec(Spec, frozen=True, kw_only=True):
    """Items that are answered once each: texts to embed or to score, pictures to classify."""

    items: list[wire.Item]
    tokens: int = 0  # of all texts

    @property
    def prompt_tokens(self) -> int:
        return self.tokens

    @property
    def images(self) -> int:
        return sum(isinstance(item, wire.Image) for item in self.items)

    @property
    def most_used(self) -> Amounts:
        return Amounts(
            requests=1,
            tokens=self.tokens,
            images=self.images,
            cost=pricing.cost(self.model, self.tokens, 0, self.images),
            concurrency=1,
        )

    def submits(self, request_id: str, tenant: str, weight: float) -> Sequence[wire.Infer]:
        one = wire.Infer(
            request_id=request_id,
            items=self.items,
            tenant=tenant,
            weight=weight,
            priority=self.priority,
            deadline_s=settings.REQUEST_TIMEOUT_S,
        )
        return [one]


class EmbeddingsSpec(ItemsSpec, frozen=True, kw_only=True):
    """Texts to embed."""

    encoding: str = "float"  # how the vectors are written: `float` or `base64`


def _choice_of(submit: wire.Submit, index: int) -> wire.Submit:
    """Return the request for one of several choices: with a seed, each has its own."""
    seed = submit.sampling.seed
    # Seeds are 64-bit integers; the one after the last is the first.
    own = None if seed is None else (seed + index + 2**63) % 2**64 - 2**63
    sampling = msgspec.structs.replace(submit.sampling, seed=own)
    request_id = f"{submit.request_id}:{index}"
    return msgspec.structs.replace(submit, request_id=request_id, sampling=sampling)
