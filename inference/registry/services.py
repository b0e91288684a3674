"""Writes of the registry."""

from typing import Any

from django.db import transaction

from inference.registry.models import Model


def model_save(*, model: Model, fields: dict[str, Any]) -> Model:
    """Validate and save a new or changed model; a new default takes the place of the old one.

    Raises Django's ValidationError, which names the fields.
    """
    for name, value in fields.items():
        setattr(model, name, value)
    # The constraint on the default is met inside the transaction below, not by the row as it is.
    model.full_clean(validate_constraints=False)
    with transaction.atomic():
        if model.is_default:
            others = Model.objects.filter(task=model.task, is_default=True)
            others.exclude(pk=model.pk).update(is_default=False)
        model.save()
    return model


def model_delete(*, model: Model) -> None:
    """Delete a model from the registry. Its runner ends; its history and its weights stay."""
    model.delete()
