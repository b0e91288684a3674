"""Tokenizers of a few hundred tokens, of the two kinds that chat models have, built on the spot."""

import json
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL: Final = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE: Final = """\
{%- for message in messages %}
    {%- if message['role'] not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('Unknown role: ' + message['role']) }}
    {%- endif %}
    {{- bos_token + message['role'] + '\\n' + message['content'] | trim + eos_token + '\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ bos_token }}assistant
{% endif %}"""
_CORPUS: Final = ["the quick brown fox", "over and over the lazy dog", "größer 你好 你好吗 🙂🙂"]


def byte_level() -> tokenizers.Tokenizer:
    """As GPT-2, Llama 3, Qwen and SmolLM: every token is bytes, also half characters."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    return tokenizer


def byte_fallback() -> tokenizers.Tokenizer:
    """As Llama 2 and Gemma: characters, and bytes only for what the vocabulary lacks."""
    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefgh", "你"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = tokenizers.Tokenizer(
        models.BPE(vocabulary, [], byte_fallback=True, unk_token=SPECIAL[0])
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def write_directory(
    directory: Path,
    tokenizer: tokenizers.Tokenizer,
    *,
    chat_template: str | None = CHAT_TEMPLATE,
    adds_bos: bool = False,
) -> Path:
    """Write what a model directory has of a tokenizer; return `directory`."""
    if adds_bos:
        bos = SPECIAL[1]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIAL[1],
        "eos_token": {"content": SPECIAL[2], "__type": "AddedToken"},
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    (directory / "config.json").write_text('{"model_type": "llama", "eos_token_id": 2}')
    (directory / "generation_config.json").write_text('{"eos_token_id": [0, 2]}')
    if chat_template is not None:
        (directory / "chat_template.jinja").write_text(chat_template)
    return directory
