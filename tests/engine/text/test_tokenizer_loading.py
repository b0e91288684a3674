"""What a model directory says of its tokenizer, and what is said when it is unusable."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import TextError, Tokenizer, TokenizerError
from tests.engine.text.small_tokenizers import SPECIAL, byte_level, write_directory


def test_every_end_of_sequence_id_is_known(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_directory(tmp_path, byte_level()))
    assert tokenizer.eos_ids == {0, 2}


def test_special_tokens_are_not_text(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_directory(tmp_path, byte_level()))
    assert tokenizer.special_ids == {0, 1, 2}
    assert tokenizer.decode([1, *tokenizer.encode("fox"), 2]) == "fox"


def test_the_vocabulary_counts_added_tokens(tmp_path: Path) -> None:
    backend = byte_level()
    before = backend.get_vocab_size(with_added_tokens=True)
    backend.add_tokens(["<tool>"])
    assert Tokenizer.load(write_directory(tmp_path, backend)).vocabulary_size == before + 1


def test_a_truncation_in_the_file_never_shortens_a_prompt(tmp_path: Path) -> None:
    backend = byte_level()
    backend.enable_truncation(4)
    backend.enable_padding(length=8)
    tokenizer = Tokenizer.load(write_directory(tmp_path, backend))
    assert tokenizer.decode(tokenizer.encode("zyx" * 40)) == "zyx" * 40


def test_a_template_in_the_configuration_is_used_when_it_has_no_file(tmp_path: Path) -> None:
    directory = write_directory(tmp_path, byte_level(), chat_template=None)
    config = json.loads((directory / "tokenizer_config.json").read_text())
    config["chat_template"] = [
        {"name": "tool_use", "template": "wrong"},
        {"name": "default", "template": "{{ messages[0].content }}!"},
    ]
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.load(directory)
    assert tokenizer.decode(tokenizer.encode_chat([{"role": "user", "content": "fox"}])) == "fox!"


def test_a_model_without_a_chat_template_says_so(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_directory(tmp_path, byte_level(), chat_template=None))
    with pytest.raises(TemplateError, match="no chat template"):
        tokenizer.encode_chat([{"role": "user", "content": "fox"}])


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is missing"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b"\xff\xfe", b'{"model": 1}'])
def test_a_garbled_tokenizer_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", "null"])
def test_a_garbled_configuration_is_named(tmp_path: Path, content: str) -> None:
    directory = write_directory(tmp_path, byte_level())
    (directory / "tokenizer_config.json").write_text(content)
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json"):
        Tokenizer.load(directory)


def test_tokens_may_be_texts_or_objects(tmp_path: Path) -> None:
    directory = write_directory(
        tmp_path, byte_level(), chat_template="{{ bos_token }}{{ eos_token }}"
    )
    assert Tokenizer.load(directory).encode_chat([]) == [
        SPECIAL.index("<|im_start|>"),
        SPECIAL.index("<|im_end|>"),
    ]


def test_neither_torch_nor_transformers_is_imported() -> None:
    program = (
        "import sys\n"
        "import inference.engine.text.tokenizer, inference.engine.text.detokenizer\n"
        "import inference.engine.text.stop, inference.engine.checkpoint\n"
        "sys.exit(bool({'torch', 'transformers', 'django'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", program], check=False)
    assert finished.returncode == 0


def test_half_a_surrogate_pair_is_refused_in_prompt_and_chat(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_directory(tmp_path, byte_level()))
    with pytest.raises(TextError, match="surrogate"):
        tokenizer.encode("a\ud800")
    with pytest.raises(TemplateError, match="surrogate"):
        tokenizer.encode_chat([{"role": "user", "content": "a\udfff"}])
