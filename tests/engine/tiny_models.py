"""Tiny random models of many families, and a real tokenizer to go with them."""

from pathlib import Path
from string import ascii_lowercase
from typing import Any

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 500
_BASE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    # Large enough that random logits differ clearly; at 0.02 everything is nearly a tie.
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_WINDOW = {**_BASE, "sliding_window": 16}
_HEADS = {"num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": VOCABULARY}
_GPT2 = {"n_embd": 64, "n_layer": 4, "n_head": 4, "vocab_size": VOCABULARY, "n_positions": 512}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": _BASE,
    "qwen2": _BASE,
    "qwen3": _BASE,
    "mistral": _WINDOW,
    "gemma2": _WINDOW,
    "gemma3_text": {**_WINDOW, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "phi3": _BASE,
    "gpt2": {**_GPT2, "initializer_range": 0.2, "bos_token_id": 1, "eos_token_id": 2},
    "gpt_neox": {**_HEADS, "hidden_size": 64, "intermediate_size": 128, "initializer_range": 0.2},
    "olmo2": _BASE,
    "granite": _BASE,
    "qwen3_moe": {
        **_BASE,
        "moe_intermediate_size": 64,
        "num_experts": 4,
        "num_experts_per_tok": 2,
    },
    "gpt_oss": {**_WINDOW, "num_local_experts": 4, "num_experts_per_tok": 2},
    "opt": {
        **_HEADS,
        "hidden_size": 64,
        "ffn_dim": 128,
        "word_embed_proj_dim": 64,
        "init_std": 0.2,
    },
}


def build(family: str, **changes: Any) -> Any:
    """Return a random float32 model of `family`, the same one every time."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **{**FAMILIES[family], **changes})
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(config, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    return model


def save(family: str, directory: Path, *, eos: str | None = None, **changes: Any) -> Path:
    """Write a model directory as the runner expects it."""
    model = build(family, **changes)
    model.save_pretrained(directory)
    tokenizer(eos).save_pretrained(directory)
    return directory


def tokenizer(eos: str | None = None) -> Any:
    """Return a tokenizer of VOCABULARY tokens, each one or two letters: any ids are plain text."""
    singles = list(ascii_lowercase)
    pairs = [a + b for a in singles for b in singles][: VOCABULARY - len(singles)]
    vocabulary = {text: number for number, text in enumerate(singles + pairs)}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[(pair[0], pair[1]) for pair in pairs]))
    backend.decoder = decoders.Fuse()
    tokenizer: Any = PreTrainedTokenizerFast
    return tokenizer(tokenizer_object=backend, eos_token=eos)
