"""What is asked of the model that the GPU's benchmark runs, and of whom."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from transformers import AutoConfig, AutoModelForCausalLM

# Llama 3.1 8B, as its config.json says.
EIGHT_BILLION: Final = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
}
TINY: Final = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 512,
}


class Load(NamedTuple):
    """So many requests at once, each for one."""

    config: dict[str, Any]
    rows: tuple[int, ...]
    prompt: int  # tokens
    made: int  # tokens

    @property
    def context(self) -> int:
        return self.prompt + self.made

    def prompts(self, rows: int) -> list[list[int]]:
        """Return prompts that have nothing in common."""
        source = torch.Generator().manual_seed(rows)
        shape = (rows, self.prompt)
        return torch.randint(5, self.config["vocab_size"], shape, generator=source).tolist()


WHOLE: Final = Load(EIGHT_BILLION, (1, 32, 256), prompt=128, made=256)
SMALL: Final = Load(TINY, (1, 4), prompt=12, made=8)


def random_model(load: Load, device: torch.device, dtype: torch.dtype) -> Any:
    """Return a Llama of random weights, made on the device; nothing is fetched."""
    config = AutoConfig.for_model(
        "llama", **load.config, bos_token_id=1, eos_token_id=None, pad_token_id=0
    )
    auto: Any = AutoModelForCausalLM
    with torch.device(device):
        return auto.from_config(config, dtype=dtype).eval()


def tokens_per_s(run: Callable[[list[list[int]]], int], prompts: list[list[int]]) -> float:
    """Return how many tokens a second `run` makes of `prompts`; the first time is not counted."""
    run(prompts)
    begun = time.perf_counter()
    made = run(prompts)
    return made / (time.perf_counter() - begun)
