"""Writes of the registry."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import audit_changed, audit_created
from accounts.audit_fields import recorded
from inference.registry.models import Dtype, Model, Task


class ConcurrentChangeError(Exception):
    """Somebody else changed or deleted the model at the same moment. Nothing was written."""


def model_save(*, model: Model, fields: dict[str, Any]) -> Model:
    """Validate and save a new or changed model; a new default takes the place of the old one.

    Raises Django's ValidationError, which names the fields, and ConcurrentChangeError.
    """
    _refuse_unknown(fields)
    if model._state.adding:
        fields = {**_of_task(fields), **fields}
    for name, value in fields.items():
        setattr(model, name, value)
    model.full_clean()
    try:
        with transaction.atomic():
            if model.is_default:
                _step_down(model)
            _write(model, fields)
    except IntegrityError as error:
        raise ConcurrentChangeError from error
    return model


def model_delete(*, model: Model) -> None:
    """Delete a model from the registry. Its runner ends; its history and its weights stay."""
    model.delete()


def _refuse_unknown(fields: dict[str, Any]) -> None:
    known = {field.name for field in Model._meta.concrete_fields}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValidationError({unknown[0]: "There is no such field."})


def _of_task(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a new model of this task is best set to where nobody says."""
    # Rounding moves a vector more than it moves the choice of a token, and saves little here.
    return {} if fields.get("task", Task.CHAT) == Task.CHAT else {"dtype": Dtype.FLOAT32}


def _step_down(model: Model) -> None:
    for other in Model.objects.filter(task=model.task, is_default=True).exclude(pk=model.pk):
        if Model.objects.filter(pk=other.pk, is_default=True).update(is_default=False) == 1:
            audit_changed(other, {"is_default": True}, {"is_default": False})


def _write(model: Model, fields: dict[str, Any]) -> None:
    if model._state.adding:
        model.save(force_insert=True)
        audit_created(model)
        return
    stored = Model.objects.filter(pk=model.pk).first()
    # Only what was asked for is written: changes of other fields made meanwhile stand.
    model.updated_at = timezone.now()
    row = Model.objects.filter(pk=model.pk)
    if stored is None or row.update(**fields, updated_at=model.updated_at) != 1:
        raise ConcurrentChangeError
    audit_changed(model, recorded(stored, fields), recorded(model, fields))
