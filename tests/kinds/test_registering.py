"""A model is registered for what its checkpoint can do, and for nothing else."""

from pathlib import Path

import httpx
import pytest


@pytest.mark.parametrize(
    ("directory", "task", "remedy"),
    [
        ("tiny", "embeddings", "register it with the task chat"),
        ("tiny", "rerank", "register it with the task chat"),
        ("kinds/embeddings", "chat", "register it with the task embeddings"),
        ("kinds/moderation", "rerank", "register it with the task moderation"),
        ("kinds/moderation", "image-classification", "register it with the task moderation"),
    ],
)
def test_a_checkpoint_of_another_task_is_refused_with_the_remedy(
    client: httpx.Client, short_folder: Path, directory: str, task: str, remedy: str
) -> None:
    fields = {"name": "wrong", "task": task, "source": f"path:{short_folder / directory}"}
    answer = client.post("/api/v1/models", json=fields)
    assert answer.status_code == 400
    assert answer.json()["param"] == "task"
    assert remedy in answer.json()["detail"]


def test_vectors_are_computed_in_float32_unless_somebody_says_otherwise(
    client: httpx.Client,
) -> None:
    assert client.get("/api/v1/models/embeddings").json()["dtype"] == "float32"
