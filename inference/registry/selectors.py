"""Reads of the registry."""

from inference.registry.models import Model


def models_enabled() -> list[Model]:
    """Return every model that should have a runner, by name."""
    return list(Model.objects.filter(enabled=True).order_by("name"))


def model_default(*, task: str) -> Model | None:
    """Return the enabled model that answers requests of `task` which name none."""
    return Model.objects.filter(task=task, enabled=True, is_default=True).first()
