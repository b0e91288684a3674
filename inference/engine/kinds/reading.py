"""Reading a checkpoint with transformers: the one way for every kind."""

from typing import Any

from transformers.utils import logging as transformers_logging

from inference.engine.footprint import RESERVE_BYTES
from inference.engine.kinds.kind import Loading
from inference.engine.memory import available_bytes
from inference.engine.model_directory import LoadError
from inference.engine.precision import DTYPES, compute_dtype

_MIB = 1 << 20


def read_model(auto_class: Any, loading: Loading, **options: Any) -> Any:
    """Return the model of `loading` by one of transformers' auto classes, ready to answer.

    Raises LoadError. Code of the model's own is never run, and nothing is fetched.
    """
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    _check_memory(loading)
    dtype = loading.config.dtype
    try:
        model = auto_class.from_pretrained(
            loading.directory.path,
            dtype=DTYPES[dtype],
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        loading.log.event("read_failed", error=repr(error))
        raise LoadError("transformers cannot read this model; its log says why") from error
    loading.statistics.progress = 0.5
    return model.to(compute_dtype(dtype)).eval()


def _check_memory(loading: Loading) -> None:
    dtype = loading.config.dtype
    # Held twice for a moment where they are computed in another dtype than they are kept in.
    times = 1 + compute_dtype(dtype).itemsize / DTYPES[dtype].itemsize
    files = loading.directory.path.glob("*.safetensors")
    needed = int(sum(file.stat().st_size for file in files) * times) + RESERVE_BYTES
    available = available_bytes()
    if available is not None and needed > available:
        raise LoadError(
            f"the model does not fit: reading it takes {needed // _MIB} MiB, and"
            f" {available // _MIB} MiB are available: free memory"
        )
