"""A GGUF file becomes a directory the engine can load, whole or not at all."""

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

from inference.engine import convert
from inference.engine.checkpoint import check_directory
from inference.engine.conversion import DTYPES, check_space
from inference.engine.text.tokenizer import Tokenizer
from tests.tiny_gguf import CHAT_TEMPLATE, write_tiny_gguf


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    write_tiny_gguf(tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_result_is_whole_and_runs(gguf: Path, tmp_path: Path, dtype: str) -> None:
    out = tmp_path / "out"
    assert convert.main([str(gguf), str(out), "--dtype", dtype]) == 0
    check_directory(out)
    model = AutoModelForCausalLM.from_pretrained(out)
    assert {parameter.dtype for parameter in model.parameters()} == {DTYPES[dtype]}
    tokenizer = Tokenizer.load(out)
    ids = tokenizer.encode_chat([{"role": "user", "content": "hi"}])
    assert model(torch.tensor([ids])).logits.shape == (1, len(ids), tokenizer.vocabulary_size)
    assert (out / "chat_template.jinja").read_text() == CHAT_TEMPLATE
    assert tokenizer.eos_ids == {2}
    assert not (tmp_path / "out.partial").exists()


def test_float32_weights_are_the_files_own(gguf: Path, tmp_path: Path) -> None:
    convert.main([str(gguf), str(tmp_path / "out"), "--dtype", "float32"])
    stored = {tensor.name: tensor.data for tensor in GGUFReader(gguf).tensors}
    weights = load_file(tmp_path / "out" / "model.safetensors")
    assert np.array_equal(weights["model.embed_tokens.weight"], stored["token_embd.weight"])
    down = weights["model.layers.0.mlp.down_proj.weight"]
    assert np.array_equal(down, stored["blk.0.ffn_down.weight"])


@pytest.mark.parametrize("damage", ["cut", "noise", "other", "tensor"])
def test_a_damaged_file_is_one_line_and_leaves_nothing(
    gguf: Path, tmp_path: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = gguf.read_bytes()
    match damage:
        case "cut":
            gguf.write_bytes(whole[: len(whole) // 2])
        case "noise":
            gguf.write_bytes(b"GGUF" + bytes(range(256)) * 20)
        case "other":
            gguf.write_bytes(b"PK\x03\x04")
        case "tensor":
            write_tiny_gguf(gguf, leave_out="blk.0.ffn_up.weight")
    assert convert.main([str(gguf), str(tmp_path / "out")]) == 2
    said = capfd.readouterr().err
    assert said.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.gguf"]


def test_a_missing_file_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert convert.main([str(tmp_path / "no.gguf"), str(tmp_path / "out")]) == 2
    assert "no.gguf cannot be read: No such file" in capfd.readouterr().err


def test_an_existing_directory_is_never_written_over(
    gguf: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    assert convert.main([str(gguf), str(tmp_path / "out")]) == 2
    assert "exists already" in capfd.readouterr().err


def test_what_an_interrupted_run_left_is_made_anew(gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "model.safetensors").write_bytes(b"half")
    (tmp_path / "out.partial" / "stray.bin").write_bytes(b"")
    assert convert.main([str(gguf), str(tmp_path / "out")]) == 0
    check_directory(tmp_path / "out")


def test_a_full_disk_is_one_line_with_the_remedy(gguf: Path, tmp_path: Path) -> None:
    """A bound on file size fails writes as a full disk does: in the middle of a file."""
    finished = subprocess.run(
        [sys.executable, "-m", "inference.engine.convert", str(gguf), str(tmp_path / "out")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert "no space left" in finished.stderr
    assert "free some disk space" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "out.partial").exists()


def test_the_space_is_asked_for_before_weights_are_written(tmp_path: Path) -> None:
    huge = {"a": torch.empty(2**50, dtype=torch.float32, device="meta")}
    with pytest.raises(OSError, match="bytes are needed") as caught:
        check_space(huge, tmp_path)
    assert caught.value.errno == errno.ENOSPC


def test_the_configuration_says_what_was_written(gguf: Path, tmp_path: Path) -> None:
    convert.main([str(gguf), str(tmp_path / "out")])
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"
