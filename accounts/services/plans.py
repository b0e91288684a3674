"""Writes of plans, and of who is on which."""

from django.db import IntegrityError, transaction

from accounts.audit import audit_changed, audit_created
from accounts.audit_fields import recorded
from accounts.errors import ConcurrentChange
from accounts.models import Plan, User

DEFAULT_PLAN = "default"


@transaction.atomic
def plan_save(*, plan: Plan) -> None:
    """Write a new plan, or the name, description and weight of one. Raises ValidationError.

    Which one is the default is for `plan_make_default` to change.
    """
    plan.full_clean()
    if plan._state.adding:
        plan.save(force_insert=True)
        audit_created(plan)
        return
    names = {"name": plan.name, "description": plan.description, "weight": plan.weight}
    stored = Plan.objects.filter(pk=plan.pk).first()
    if stored is None or Plan.objects.filter(pk=plan.pk).update(**names) != 1:
        raise ConcurrentChange
    audit_changed(plan, recorded(stored, names), recorded(plan, names))


def plan_make_default(*, plan: Plan) -> bool:
    """Let `plan` bind every user who is on no other; return whether it was this call that did it.

    The plan that was the default steps down in the same transaction. Raises ConcurrentChange.
    """
    try:
        with transaction.atomic():
            for other in Plan.objects.filter(is_default=True).exclude(pk=plan.pk):
                _switch(other, is_default=False)
            return _switch(plan, is_default=True)
    except IntegrityError as error:
        raise ConcurrentChange from error


def user_plan_assign(*, user: User, plan: Plan | None) -> None:
    """Put `user` on `plan`; None: on the default one."""
    user.plan = plan
    user.save(update_fields=["plan"])


@transaction.atomic
def default_plan_install() -> None:
    """Make a default plan, without limits, where there is no plan at all."""
    if not Plan.objects.exists():
        text = "For every user who is on no other plan. Give it limits."
        plan_save(plan=Plan(name=DEFAULT_PLAN, description=text, is_default=True))


def _switch(plan: Plan, *, is_default: bool) -> bool:
    as_before = Plan.objects.filter(pk=plan.pk, is_default=not is_default)
    if as_before.update(is_default=is_default) != 1:
        return False
    plan.is_default = is_default
    audit_changed(plan, {"is_default": not is_default}, {"is_default": is_default})
    return True
