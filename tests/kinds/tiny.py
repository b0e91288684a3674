"""Tiny random models that read texts whole, of real classes, as their authors would save them.

Run as `python -m tests.kinds.tiny FOLDER`, it writes one for each task, and a model whose weights
are not numbers, so that a test can have them without torch in its own process.
"""

import json
import sys
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Final

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

WORDS: Final = [first + second for first in ascii_lowercase for second in ascii_lowercase]
_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
VOCABULARY: Final = len(_SPECIAL) + len(WORDS)
_ENCODER: Final = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 66,
    # Large enough that a wrong mask or position shows; at 0.02 everything is nearly a tie.
    "initializer_range": 0.3,
    "pad_token_id": 0,
}
_DECODER: Final = {**_ENCODER, "num_key_value_heads": 2, "head_dim": 8}
FAMILIES: Final[dict[str, dict[str, Any]]] = {
    "bert": _ENCODER,
    "roberta": _ENCODER,
    "xlm-roberta": _ENCODER,
    "mpnet": _ENCODER,
    "distilbert": {
        "dim": 32,
        "hidden_dim": 64,
        "n_layers": 3,
        "n_heads": 4,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 64,
        "initializer_range": 0.3,
    },
    "modernbert": {**_ENCODER, "local_attention": 8, "cls_token_id": 2, "sep_token_id": 3},
    "qwen3": _DECODER,
    "gemma3_text": {**_DECODER, "sliding_window": 8},
}


def tokenizer() -> Any:
    """Return a tokenizer of WORDS, with the special tokens that BERT's has."""
    vocabulary = {text: number for number, text in enumerate([*_SPECIAL, *WORDS])}
    backend = Backend(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    make: Any = PreTrainedTokenizerFast
    names = zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True)
    told = ["input_ids", "token_type_ids", "attention_mask"]
    return make(tokenizer_object=backend, model_input_names=told, **dict(names))


def save_embeddings(
    directory: Path,
    family: str = "bert",
    *,
    pooling: str = "mean_tokens",
    normalize: bool = True,
    length: int = 60,
    **changes: Any,
) -> Path:
    """Write an embedding model as sentence-transformers does."""
    _write(AutoModel, directory, family, **changes)
    modules = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    listed = [
        {"idx": n, "name": str(n), "path": f"{n}_{name}" if n else "", "type": f"s_t.models.{name}"}
        for n, name in enumerate(modules)
    ]
    (directory / "modules.json").write_text(json.dumps(listed))
    _json(directory / "sentence_bert_config.json", {"max_seq_length": length})
    (directory / "1_Pooling").mkdir(exist_ok=True)
    _json(directory / "1_Pooling" / "config.json", {f"pooling_mode_{pooling}": True})
    return directory


def save_classifier(directory: Path, labels: list[str], **changes: Any) -> Path:
    """Write a classifier of texts or, with one label, a cross-encoder."""
    named = dict(enumerate(labels))
    back = {label: number for number, label in named.items()}
    auto = AutoModelForSequenceClassification
    _write(auto, directory, "bert", id2label=named, label2id=back, **changes)
    return directory


def save_not_a_number(directory: Path) -> Path:
    """Write an embedding model that makes no numbers of the word `zz`."""
    save_embeddings(directory)
    model = AutoModel.from_pretrained(directory)
    with torch.no_grad():
        model.get_input_embeddings().weight[-1] = float("nan")
    model.save_pretrained(directory)
    return directory


def _write(auto: Any, directory: Path, family: str, **changes: Any) -> None:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **{**FAMILIES[family], **changes})
    auto.from_config(config, dtype=torch.float32).eval().save_pretrained(directory)
    tokenizer().save_pretrained(directory)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    save_embeddings(folder / "embeddings")
    save_classifier(folder / "moderation", ["safe", "rude", "violent"])
    save_classifier(folder / "rerank", ["relevance"])
    save_not_a_number(folder / "not-a-number")
