"""transformers' own continuous batching, in process, on the same weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.utils import WorkloadHints

from benchmarks.gpu_load import Load

PATIENCE_S: Final = 300
_ON_CPU: Final[dict[str, Any]] = {"num_blocks": 16, "max_batch_tokens": 256}


class Peer:
    """A manager that runs."""

    def __init__(self, manager: Any, load: Load) -> None:
        self._manager = manager
        self._load = load

    def run(self, prompts: list[list[int]]) -> int:
        """Answer all prompts; return how many tokens were made. Raises RuntimeError if it ended."""
        self._manager.add_requests(prompts, max_new_tokens=self._load.made)
        made, ended = 0, 0
        while ended < len(prompts):
            result = self._manager.get_result(timeout=1)
            if result is None:
                if not self._manager.is_running():
                    raise RuntimeError("transformers' continuous batching ended by itself")
            elif result.is_finished():
                made += len(result.generated_tokens)
                ended += 1
        return made


@contextmanager
def peer(model: Any, load: Load, rows: int) -> Iterator[Peer]:
    """Give a manager that knows what is coming, warmed up; its memory is freed afterwards."""
    settings = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=load.made, do_sample=False, eos_token_id=-1, pad_token_id=0
    )
    on_card = model.device.type == "cuda"
    # What suits a card it finds out itself; of the CPU's memory it would take nearly all.
    sizes = ContinuousBatchingConfig() if on_card else ContinuousBatchingConfig(**_ON_CPU)
    hints = WorkloadHints(load.prompt, load.made, rows)
    with model.continuous_batching_context_manager(
        generation_config=settings,
        workload_hints=hints,
        timeout=PATIENCE_S,
        continuous_batching_config=sizes,
    ) as manager:
        yield Peer(manager, load)
