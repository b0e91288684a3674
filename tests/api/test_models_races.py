"""What happens to models when two people act at the same moment."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connections

from inference.registry.models import Model
from inference.registry.services import ConcurrentChangeError, model_save
from tests.model_rows import WHEEL, model_row

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[BaseException]:
    """Run `acts` in threads that start together; return what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except (ConcurrentChangeError, ValidationError, OperationalError) as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_of_many_who_make_a_default_at_once_one_is_left() -> None:
    rows = [model_row(f"m{number}") for number in range(8)]
    at_once(*[partial(model_save, model=row, fields={"is_default": True}) for row in rows])
    assert Model.objects.filter(is_default=True).count() == 1


def test_of_many_who_create_the_same_name_one_succeeds_and_the_others_are_told() -> None:
    new = [Model(name="new", source=WHEEL) for _ in range(8)]
    raised = at_once(*[partial(model_save, model=model, fields={}) for model in new])
    assert Model.objects.count() == 1
    assert len(raised) == 7
