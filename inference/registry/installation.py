"""What a fresh installation gets: the default models' rows, and weights on this machine."""

from django.conf import settings
from django.db import transaction

from inference.registry.catalog import DEFAULT_MODELS, DefaultModel
from inference.registry.fetch import prepare
from inference.registry.models import Model
from inference.registry.progress import Progress, silent
from inference.registry.services import model_save
from inference.registry.sources import parse_source


class UnknownDefaultModel(Exception):
    """The setting DEFAULT_MODELS names a model that is none of them. The text lists them."""


def default_models_install() -> int:
    """Register the default models where nothing is registered yet; return how many.

    All or none, so that an interruption is made good by the next run, and never twice, so that
    what an admin changed or deleted stays as they left it. Raises UnknownDefaultModel.
    """
    wanted = _wanted()
    with transaction.atomic():
        if Model.objects.exists():
            return 0
        for one in wanted:
            _install(one)
    return len(wanted)


def model_fetch(*, model: Model, progress: Progress = silent) -> None:
    """Have the weights of `model` on this machine. Raises FetchError and SourceError."""
    source = parse_source(model.source)
    known = {str(one.source): one.disk_bytes for one in DEFAULT_MODELS}
    prepare(
        source,
        model.directory,
        model.dtype,  # type: ignore[arg-type]  # the row's choices are the engine's
        progress,
        needed_bytes=known.get(str(source), 0),
    )


def _wanted() -> list[DefaultModel]:
    known = [one.name for one in DEFAULT_MODELS]
    for name in settings.DEFAULT_MODELS:
        if name not in known:
            raise UnknownDefaultModel(f"DEFAULT_MODELS: {name!r} is none of {', '.join(known)}")
    return [one for one in DEFAULT_MODELS if one.name in settings.DEFAULT_MODELS]


def _install(default: DefaultModel) -> None:
    fields = {
        "name": default.name,
        "task": default.task,
        "source": str(default.source),
        "dtype": default.dtype,
        "context_length": default.context_length,
        "default_temperature": default.temperature,
        "default_top_p": default.top_p,
        "threads": default.threads,
        "licence": default.licence,
        "is_default": True,
    }
    model_save(model=Model(), fields=fields)
