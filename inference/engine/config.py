"""What a runner is told when it starts: one model, where it lies and how much it may use."""

from typing import Annotated, Final, Literal

import msgspec

from inference.engine.task import CHAT, Task

# int8: weights rounded when they are loaded, from files in bfloat16; all else as in bfloat16.
Dtype = Literal["bfloat16", "float32", "int8"]
StoredDtype = Literal["bfloat16", "float32"]
STORED: Final[dict[Dtype, StoredDtype]] = {
    "bfloat16": "bfloat16",
    "float32": "float32",
    "int8": "bfloat16",
}
# Where it is computed. auto: on a CUDA device if there is one that the model fits on, else the CPU.
DEVICE_PATTERN: Final = r"^(auto|cpu|cuda(:[0-9]{1,2})?)\Z"
Device = Annotated[str, msgspec.Meta(pattern=DEVICE_PATTERN)]
AUTO: Final = "auto"
CPU: Final = "cpu"
MAX_CONTEXT: Final = 1_048_576
MAX_SLOTS: Final = 512


class RunnerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passed as one JSON argument: `python -m inference.engine.runner '{"model": …}'`."""

    model: str  # registry name, for logs and the Hello frame
    directory: str  # config.json, tokenizer.json, *.safetensors
    socket: str  # path of the unix socket to listen on
    task: Task = CHAT  # which kind of engine serves it
    dtype: Dtype = "bfloat16"
    device: Device = AUTO
    context_length: int = 2048  # tokens, prompt and completion together
    slots: int = 32  # requests that run at once
    # More slots, which only keep what ended requests computed, for prompts that begin the same.
    kept_slots: int = 4
    shared_prompts: list[str] = []  # beginnings of prompts that all tenants may reuse
    threads: int = 0  # 0: as many as the machine has cores
    prefill_budget: int = 0  # prompt tokens a step, beside the decode; 0: as suits the device
    max_waiting: int = 1024  # queued requests; one more is Failed("queue_full")


def device_fault(device: str, *, task: str, dtype: str) -> str:
    """Return why a model like this cannot be told to run on `device`; empty when it can."""
    if device in (AUTO, CPU):
        return ""
    if task != CHAT:
        return f"The task {task} runs on the CPU only; choose {AUTO} or {CPU}."
    if dtype == "int8":
        return f"Weights in int8 are for the CPU; choose bfloat16 or float32, or {CPU}."
    return ""
