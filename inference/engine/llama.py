"""The Llama family: which models are built like one, and their weights as a fused forward wants.

Llama, Mistral, Qwen2 and Qwen3 differ in biases, in norms of queries and keys, and in how
positions are scaled; nothing else. The three projections into attention lie in one matrix, and
so do the gate and up projections, so that a row is read once for all.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

CLASSES: Final = {
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
}
# The others turn positions by angles that depend on how long the sequence is.
ROTATIONS: Final = {"default", "linear", "llama3", "yarn"}


class Projection(NamedTuple):
    """A linear's parameters."""

    weight: Tensor  # [outputs, inputs]
    bias: Tensor | None  # [outputs]


class LlamaLayer(NamedTuple):
    """One layer's parameters."""

    attention_norm: Tensor
    query_norm: Tensor | None  # [head_dim]
    key_norm: Tensor | None
    mlp_norm: Tensor
    query_key_value: Projection  # all query heads, then all key heads, then all value heads
    output: Projection
    gate_up: Projection  # all gates, then all ups
    down: Projection


def unlike_llama(model: Any, context: int) -> str:
    """Return why a transformers model cannot be run as one of the family; empty when it can."""
    config = model.config
    if type(model).__name__ not in CLASSES:
        return f"{type(model).__name__} is not of the Llama family"
    if config.hidden_act not in ("silu", "swish"):
        return f"its activation is {config.hidden_act}"
    if model.model.rotary_emb.rope_type not in ROTATIONS:
        return f"its positions are scaled by {model.model.rotary_emb.rope_type}"
    window = getattr(config, "sliding_window", None)
    if window and window < context and getattr(config, "use_sliding_window", True):
        return f"its attention sees {window} tokens only"
    return ""


class Llama:
    """A transformers model of the family, read for a fused forward."""

    def __init__(self, model: Any) -> None:
        config = model.config
        self._model = model
        self.hidden: int = config.hidden_size
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.head_dim: int = getattr(config, "head_dim", None) or self.hidden // self.heads
        self.intermediate: int = config.intermediate_size
        self.layer_count: int = config.num_hidden_layers
        self.epsilon: float = config.rms_norm_eps
        self.dtype: torch.dtype = model.dtype
        self.device: torch.device = model.device
        self.embedding: Tensor = model.get_input_embeddings().weight.detach()
        self.norm: Tensor = model.model.norm.weight.detach()
        self.head = _projection(model.lm_head)

    def layers(self) -> Iterator[LlamaLayer]:
        """Give each layer's parameters once; the model loses what was given."""
        for layer in self._model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            yield LlamaLayer(
                attention_norm=layer.input_layernorm.weight.detach(),
                query_norm=_norm(attention, "q_norm"),
                key_norm=_norm(attention, "k_norm"),
                mlp_norm=layer.post_attention_layernorm.weight.detach(),
                query_key_value=_joined(attention.q_proj, attention.k_proj, attention.v_proj),
                output=_projection(attention.o_proj),
                gate_up=_joined(mlp.gate_proj, mlp.up_proj),
                down=_projection(mlp.down_proj),
            )
            # Two copies of a large model would not fit where one does.
            for module in (*attention.children(), *mlp.children()):
                module._parameters.clear()

    def rotation(self, context: int) -> tuple[Tensor, Tensor]:
        """Return cosines and sines [context, head_dim / 2] in float32."""
        positions = torch.arange(context, device=self.device)[None]
        like = torch.empty(0, device=self.device)
        cosines, sines = self._model.model.rotary_emb(like, positions)
        half = self.head_dim // 2
        return cosines[0, :, :half].contiguous(), sines[0, :, :half].contiguous()


def _projection(linear: nn.Linear) -> Projection:
    bias = None if linear.bias is None else linear.bias.detach()
    return Projection(linear.weight.detach(), bias)


def _joined(*linears: nn.Linear) -> Projection:
    parts = [_projection(linear) for linear in linears]
    biases = [part.bias for part in parts if part.bias is not None]
    return Projection(
        torch.cat([part.weight for part in parts]), torch.cat(biases) if biases else None
    )


def _norm(attention: nn.Module, name: str) -> Tensor | None:
    module = getattr(attention, name, None)
    return None if module is None else module.weight.detach()
