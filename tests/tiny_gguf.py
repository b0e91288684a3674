"""A complete GGUF file of a few kilobytes: a Llama of one layer with random weights."""

from pathlib import Path
from typing import Final

import gguf
import numpy as np
from tokenizers.pre_tokenizers import ByteLevel

HIDDEN: Final = 64
HEADS: Final = 2
FEED_FORWARD: Final = 96
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
_SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def write_tiny_gguf(path: Path, *, leave_out: str = "") -> None:
    """Write the model to `path`, without the tensor called `leave_out`."""
    writer = gguf.GGUFWriter(path, "llama")
    _add_configuration(writer)
    vocabulary = _add_tokenizer(writer)
    random = np.random.default_rng(0)
    for name, shape in _shapes(vocabulary).items():
        if name != leave_out:
            writer.add_tensor(name, random.standard_normal(shape, dtype=np.float32) * 0.05)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_configuration(writer: gguf.GGUFWriter) -> None:
    writer.add_name("tiny")
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)


def _add_tokenizer(writer: gguf.GGUFWriter) -> int:
    """Add a byte-level vocabulary with one merge; return its size."""
    tokens = [*_SPECIAL, *sorted(ByteLevel.alphabet()), "th"]
    types = [gguf.TokenType.CONTROL] * len(_SPECIAL)
    types += [gguf.TokenType.NORMAL] * (len(tokens) - len(_SPECIAL))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(CHAT_TEMPLATE)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    square = (HIDDEN, HIDDEN)
    return {
        "token_embd.weight": (vocabulary, HIDDEN),
        "blk.0.attn_norm.weight": (HIDDEN,),
        "blk.0.attn_q.weight": square,
        "blk.0.attn_k.weight": square,
        "blk.0.attn_v.weight": square,
        "blk.0.attn_output.weight": square,
        "blk.0.ffn_norm.weight": (HIDDEN,),
        "blk.0.ffn_gate.weight": (FEED_FORWARD, HIDDEN),
        "blk.0.ffn_up.weight": (FEED_FORWARD, HIDDEN),
        "blk.0.ffn_down.weight": (HIDDEN, FEED_FORWARD),
        "output_norm.weight": (HIDDEN,),
    }
