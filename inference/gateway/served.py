"""The models that can be asked now: the registry as the gateway sees it, read twice a second."""

from typing import Final

import msgspec
from django.db import Error as DatabaseAway

from accounts.principal import Principal
from aiplatform.database import in_database
from aiplatform.errors import ApiError
from aiplatform.snapshot import Snapshot
from inference.gateway import errors
from inference.registry.models import Model
from inference.registry.selectors import models_enabled

FRESH_S: Final = 0.5


class ServedModel(msgspec.Struct, frozen=True):
    """What the gateway needs to know of a model, apart from where it runs."""

    id: int
    name: str
    task: str
    is_default: bool
    context_length: int
    max_output_tokens: int
    slots: int
    max_queue: int
    default_temperature: float
    default_top_p: float
    price_prompt: int  # of one token, in 1e-12 of the currency
    price_completion: int
    price_image: int  # of one picture, in the same
    directory: str
    created: int  # Unix seconds


async def served_models(principal: Principal) -> list[ServedModel]:
    """Return the enabled models that `principal` may use, by name."""
    return [model for model in await _enabled.get() if principal.may_use_model(model.name)]


async def models_served() -> list[ServedModel]:
    """Return the enabled models, whoever may use them."""
    return await _enabled.get()


async def served_model(
    principal: Principal, name: str | None, task: str, *further: str
) -> ServedModel:
    """Return the model called `name`, or the default of `task`. Raises ApiError.

    One that is named may do one of the `further` tasks instead.
    A model that exists but is not for this key is as unknown as one that does not exist.
    """
    for model in await served_models(principal):
        if model.name == name if name is not None else model.is_default and model.task == task:
            if model.task not in (task, *further):
                raise errors.wrong_task(model=model.name, does=model.task, asked=task)
            return model
    raise _missing(name)


def _missing(name: str | None) -> ApiError:
    return errors.no_default_model() if name is None else errors.unknown_model(name)


async def _read() -> list[ServedModel]:
    try:
        return [_served(row) for row in await in_database(models_enabled)]
    except DatabaseAway as error:
        raise errors.database_unavailable() from error


_enabled: Final = Snapshot(_read, FRESH_S)


def _served(row: Model) -> ServedModel:
    return ServedModel(
        id=row.pk,
        name=row.name,
        task=row.task,
        is_default=row.is_default,
        context_length=row.context_length,
        max_output_tokens=row.max_output_tokens,
        slots=row.slots,
        max_queue=row.max_queue,
        default_temperature=row.default_temperature,
        default_top_p=row.default_top_p,
        # Of a million tokens with six decimals: of one token, whole numbers of 1e-12.
        price_prompt=int(row.price_prompt * 1_000_000),
        price_completion=int(row.price_completion * 1_000_000),
        price_image=int(row.price_image * 1_000_000_000),  # of a thousand pictures
        directory=str(row.directory),
        created=int(row.created_at.timestamp()),
    )
