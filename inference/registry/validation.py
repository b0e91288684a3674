"""What a row of the registry must satisfy beyond each field by itself.

`Model.full_clean` calls this, so that the API, the admin and commands refuse the same things.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError

from inference.engine.checkpoint import CheckpointError, check_directory
from inference.engine.config import device_fault
from inference.engine.task import CHAT, TEXT_TASKS, WrongTask, check_task
from inference.registry.gguf import GgufError, check_file
from inference.registry.sources import GgufSource, PathSource, SourceError, parse_source

if TYPE_CHECKING:
    from inference.registry.models import Model


MAX_SHARED_PROMPTS: Final = 16
# A runner is told them on its command line, where Linux allows 128 KiB for one argument.
MAX_SHARED_BYTES: Final = 64 * 1024


def check(model: "Model", stored: "Model | None") -> None:
    """Return if `model` may take the place of `stored`, which is None for a new one.

    Raises Django's ValidationError, which names the fields.
    """
    found = dict(_faults(model, stored))
    if found:
        raise ValidationError(found)


def _faults(model: "Model", stored: "Model | None") -> Iterator[tuple[str, str]]:
    if stored and stored.name != model.name:
        yield "name", "A model keeps its name. Create another model under the new one."
    if model.task == CHAT and model.max_output_tokens > model.context_length:
        bound = f"context_length, which is {model.context_length}"
        yield "max_output_tokens", f"An answer cannot be longer than {bound}."
    yield from _computing_faults(model)
    if model.is_default and not model.enabled:
        remedy = "Make another model the default first, or enable this one"
        yield "is_default", f"A disabled model cannot be the default. {remedy}."
    if fault := _shared_prompts_fault(model.shared_prompts):
        yield "shared_prompts", fault
    if _source_matters(model, stored):
        yield from _source_faults(model)


def _computing_faults(model: "Model") -> Iterator[tuple[str, str]]:
    """Yield what is wrong with how and where it is to be computed."""
    cores = os.cpu_count() or 1
    if model.threads > cores:
        yield "threads", f"This machine has {cores} cores; 0 means all of them."
    if model.dtype == "int8" and model.task != CHAT:
        yield "dtype", f"Weights in int8 are for the task {CHAT}; choose bfloat16 or float32."
    if fault := device_fault(model.device, task=model.task, dtype=model.dtype):
        yield "device", fault


def _shared_prompts_fault(prompts: object) -> str:
    """Return what is wrong with the prompts, or nothing."""
    if not isinstance(prompts, list) or not all(isinstance(one, str) and one for one in prompts):
        return "Give a list of texts, none of them empty."
    try:
        size = sum(len(one.encode()) for one in prompts)
    except UnicodeEncodeError:
        return "A text has half of a character (a lone surrogate)."
    if len(prompts) > MAX_SHARED_PROMPTS or size > MAX_SHARED_BYTES:
        return f"At most {MAX_SHARED_PROMPTS} prompts and {MAX_SHARED_BYTES} bytes of them."
    return ""


def _source_matters(model: "Model", stored: "Model | None") -> bool:
    # Not on every change: a model whose folder has gone must still be possible to disable.
    if stored is None or stored.source != model.source or stored.task != model.task:
        return True
    return model.enabled and not stored.enabled


def _source_faults(model: "Model") -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the source, or with the task for what lies there."""
    try:
        source = parse_source(model.source)
        if isinstance(source, PathSource):
            check_directory(source.directory, with_tokenizer=model.task in TEXT_TASKS)
            check_task(source.directory, model.task)
        elif isinstance(source, GgufSource):
            check_file(source.file)
            if model.task != CHAT:
                yield "task", f"A GGUF file is converted for the task {CHAT} only."
    except WrongTask as error:
        yield "task", f"{error}."
    except (SourceError, CheckpointError, GgufError) as error:
        yield "source", f"{error}."  # they say only what is safe to show
    except OSError as error:
        yield "source", f"The folder cannot be read: {error.strerror}."
