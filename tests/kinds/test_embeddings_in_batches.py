"""Texts of a file are embedded by a batch, in OpenAI's words."""

import json
import time
from typing import Final

import httpx
import pytest

from tests.platform_process import PlatformProcess

TEXTS: Final = ["ab cd", "ef"]
PATIENCE_S: Final = 120.0


def test_a_batch_embeds_every_line(kinds: PlatformProcess, client: httpx.Client) -> None:
    lines = [
        {"custom_id": text, "method": "POST", "url": "/v1/embeddings", "body": {"input": text}}
        for text in TEXTS
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    sent = client.post(
        "/v1/files", files={"file": ("lines.jsonl", content)}, data={"purpose": "batch"}
    )
    assert sent.status_code < 300, sent.text
    asked = {
        "input_file_id": sent.json()["id"],
        "endpoint": "/v1/embeddings",
        "completion_window": "24h",
    }
    batch = client.post("/v1/batches", json=asked).json()
    deadline = time.monotonic() + PATIENCE_S
    while batch["status"] not in ("completed", "failed", "expired"):
        assert time.monotonic() < deadline, batch
        time.sleep(0.2)  # between two looks
        batch = client.get(f"/v1/batches/{batch['id']}").json()
    assert batch["status"] == "completed", batch
    output = client.get(f"/v1/files/{batch['output_file_id']}/content").text.splitlines()
    answers = {one["custom_id"]: one["response"]["body"] for one in map(json.loads, output)}
    assert answers.keys() == set(TEXTS)
    for text, answer in answers.items():
        at_once = client.post("/v1/embeddings", json={"input": text}).json()
        (made,), (same,) = answer["data"], at_once["data"]
        assert made["embedding"] == pytest.approx(same["embedding"], abs=1e-5)
        assert answer["usage"] == at_once["usage"]
