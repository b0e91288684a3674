"""Reads of the registry."""

from django.db.models import QuerySet

from inference.registry.models import Model, Task


def models_visible(*, names: frozenset[str]) -> QuerySet[Model]:
    """Return the models called one of `names`, or every model where `names` is empty; by name."""
    everything = Model.objects.order_by("name")
    return everything.filter(name__in=names) if names else everything


def models_enabled() -> list[Model]:
    """Return every model that should have a runner, by name."""
    return list(Model.objects.filter(enabled=True).order_by("name"))


def model_default(*, task: str) -> Model | None:
    """Return the enabled model that answers requests of `task` which name none."""
    return Model.objects.filter(task=task, enabled=True, is_default=True).first()


def models_default() -> list[Model]:
    """Return the enabled models that answer requests which name none: the chat model first."""
    found = Model.objects.filter(enabled=True, is_default=True)
    return sorted(found, key=lambda model: (model.task != Task.CHAT, model.name))
