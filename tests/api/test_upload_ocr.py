"""POST /api/v1/upload/image to a model that reads: lines in the place of labels."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile_images import hostile_files
from tests.ocr_model import LINES, as_png, make_ocr_model, page
from tests.platform_process import PlatformProcess

ADDRESS = "/api/v1/upload/image"


@pytest.fixture(scope="module")
def reading(
    seeing: PlatformProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlatformProcess]:
    """The platform that classifies, with a model that reads beside that."""
    directory = make_ocr_model(tmp_path_factory.mktemp("ocr") / "model")
    fields = {"name": "ocr", "task": "ocr", "source": f"path:{directory}", "price_image": "3"}
    with seeing.client() as client:
        made = client.post("/api/v1/models", json=fields)
        assert made.status_code == 201, made.text
        seeing.until(lambda: seeing.replica("ocr"), "the model that reads is ready")
        yield seeing
        assert client.delete("/api/v1/models/ocr").status_code == 204


def upload(platform: PlatformProcess, content: bytes, **fields: str) -> Any:
    with platform.client() as client:
        return client.post(ADDRESS, files={"file": ("page.png", content)}, data=fields)


def test_lines_have_texts_scores_and_boxes(reading: PlatformProcess) -> None:
    answer = upload(reading, as_png(page()), model="ocr")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["result"].keys() == {"lines"}
    assert [one["text"] for one in body["result"]["lines"]] == list(LINES)
    for line in body["result"]["lines"]:
        assert 0.7 <= line["score"] <= 1
        assert len(line["box"]) == 4
        assert all(0 <= x <= 480 and 0 <= y <= 260 for x, y in line["box"])
    assert (body["model_used"], body["usage"]) == ("ocr", {"images": 1})
    with reading.client() as client:
        row = client.get(f"/api/v1/requests/{body['id']}").json()
    assert (row["model"], row["status"]) == ("ocr", "completed")


def test_without_a_name_the_classifier_still_answers(reading: PlatformProcess) -> None:
    assert upload(reading, as_png(page())).json()["result"].keys() == {"labels"}


def test_a_model_that_reads_is_refused_at_other_doors(reading: PlatformProcess) -> None:
    with reading.client() as client:
        answer = client.post("/v1/embeddings", json={"model": "ocr", "input": "hi"})
    assert answer.status_code == 400
    assert "/api/v1/upload/image" in answer.text


def test_hostile_files_are_refused_and_it_goes_on(reading: PlatformProcess) -> None:
    files = list(hostile_files().values())[::12]
    told = {upload(reading, content, model="ocr").status_code for content in files}
    assert told <= {400, 413}
    assert upload(reading, as_png(page()), model="ocr").status_code == 200
