"""The device that an operator names reaches the runner; what cannot run there is refused."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from inference.registry.agent.assignment import Assignment
from inference.registry.models import Model
from inference.registry.services import model_save
from tests.model_rows import WHEEL, model_row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:15"])
def test_the_runner_is_told_the_models_device(device: str) -> None:
    model = model_save(model=model_row(), fields={"device": device})
    assert Assignment.of(model).runner_config("/run/x.sock").device == device


def test_another_device_is_another_assignment() -> None:
    model = model_row()
    before = Assignment.of(model)
    assert Assignment.of(model_save(model=model, fields={"device": "cpu"})) != before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"task": "embeddings", "dtype": "float32"}, "runs on the CPU only"),
        ({"task": "ocr", "dtype": "float32"}, "runs on the CPU only"),
        ({"dtype": "int8"}, "int8 are for the CPU"),
    ],
)
def test_a_card_is_refused_for_what_runs_on_the_cpu_alone(
    fields: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        model_save(model=model_row(), fields={**fields, "device": "cuda"})
    assert reason in refused.value.message_dict["device"][0]
    assert model_save(model=model_row("other"), fields={**fields, "device": "auto"}).pk


def test_the_command_line_names_a_device() -> None:
    asked = ("models", "add", "tiny", "--source", WHEEL, "--device")
    call_command(*asked, "cuda:1", stdout=StringIO())
    assert Model.objects.get().device == "cuda:1"
    with pytest.raises(CommandError, match="--device: Give auto, cpu, cuda"):
        call_command(*asked[:2], "other", *asked[3:], "gpu", stdout=StringIO())
