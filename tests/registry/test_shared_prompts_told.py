"""Prompts that an operator marks as shared reach the runner, within bounds."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from inference.registry.agent.assignment import Assignment
from inference.registry.services import model_save
from inference.registry.validation import MAX_SHARED_BYTES
from tests.model_rows import model_row

pytestmark = pytest.mark.django_db


def test_the_runner_is_told_the_models_shared_prompts() -> None:
    model = model_save(model=model_row(), fields={"shared_prompts": ["You are terse.", "Übung"]})
    config = Assignment.of(model).runner_config("/run/x.sock")
    assert config.shared_prompts == ["You are terse.", "Übung"]


@pytest.mark.parametrize(
    "prompts",
    ["text", {"a": 1}, [1], [""], [None], ["x"] * 17, ["x" * (MAX_SHARED_BYTES + 1)], ["\ud800"]],
    ids=lambda one: repr(one)[:20],
)  # fmt: skip
def test_what_is_no_list_of_texts_or_too_much_is_refused_by_name(prompts: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        model_save(model=model_row(), fields={"shared_prompts": prompts})
    assert "shared_prompts" in refused.value.message_dict
