"""What an embedding model's own files say of pooling, length and dimensions. Without torch.

The files are those that sentence-transformers writes beside a checkpoint: `modules.json` lists what
follows the transformer, each with a folder of its own for its configuration.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from inference.engine.checkpoint import BrokenCheckpoint
from inference.engine.text_length import text_length

Pooling = Literal["mean", "cls", "lasttoken"]
_POOLINGS: Final = ("mean", "cls", "lasttoken")
_FLAGS: Final = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_MAX_BYTES: Final = 1024 * 1024
_MAX_PROMPT: Final = 4096  # characters


@dataclass(frozen=True)
class EmbeddingFiles:
    """How token embeddings become one vector."""

    pooling: Pooling
    normalize: bool  # to a Euclidean length of 1
    dimensions: int
    shorter: tuple[int, ...]  # dimensions it was trained to be cut to; empty: nobody says
    length: int | None  # tokens at most; None: as many as it has positions
    lower_case: bool  # texts are lower-cased first
    prompt: str  # what every text begins with

    @classmethod
    def read(cls, directory: Path) -> "EmbeddingFiles":
        """Raise CheckpointError for a model that is more than we can compute."""
        config = _object(directory / "config.json")
        modules = _modules(directory)
        pooling = _module(directory, modules, "Pooling")
        transformer = _object(directory / _path_of(modules, "Transformer") / _SENTENCE_CONFIG)
        lengths = (transformer.get("max_seq_length"), text_length(config))
        return cls(
            pooling=_pooling(pooling),
            normalize="Normalize" in modules,
            dimensions=_dimensions(config),
            shorter=_shorter(config),
            length=min((n for n in lengths if isinstance(n, int) and n > 0), default=None),
            lower_case=transformer.get("do_lower_case") is True,
            prompt=_prompt(_object(directory / _PROMPTS)),
        )


_SENTENCE_CONFIG: Final = "sentence_bert_config.json"
_PROMPTS: Final = "config_sentence_transformers.json"
_KNOWN_MODULES: Final = frozenset({"Transformer", "Pooling", "Normalize"})


def _modules(directory: Path) -> dict[str, str]:
    """Return the folder of each module by the last part of its class's name."""
    path = directory / "modules.json"
    if not path.is_file():
        return {}
    found = {}
    for module in _json(path, list):
        match module:
            case {"type": str(name), "path": str(folder)}:
                found[name.rpartition(".")[2]] = folder
            case _:
                raise BrokenCheckpoint("modules.json has an entry without a type or a path")
    if unknown := sorted(found.keys() - _KNOWN_MODULES):
        known = ", ".join(sorted(_KNOWN_MODULES))
        raise BrokenCheckpoint(f"modules.json names {unknown[0]}; known are {known}")
    return found


def _path_of(modules: dict[str, str], name: str) -> str:
    folder = modules.get(name, "")
    if Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise BrokenCheckpoint("modules.json names a folder outside the model's directory")
    return folder


def _module(directory: Path, modules: dict[str, str], name: str) -> dict[str, Any]:
    return _object(directory / _path_of(modules, name) / "config.json") if name in modules else {}


def _pooling(config: dict[str, Any]) -> Pooling:
    """Return the one way of pooling; without a word of it, sentence-transformers takes the mean."""
    named = config.get("pooling_mode")
    wanted = [named] if isinstance(named, str) else [_FLAGS[n] for n in _FLAGS if config.get(n)]
    if not wanted:
        return "mean"
    if len(wanted) > 1 or wanted[0] not in _POOLINGS:
        ways = ", ".join(_POOLINGS)
        raise BrokenCheckpoint(f"its pooling is {' and '.join(wanted)}; known are {ways}, one each")
    return cast(Pooling, wanted[0])


def _dimensions(config: dict[str, Any]) -> int:
    size = config.get("hidden_size", config.get("dim", config.get("d_model")))
    if not isinstance(size, int) or size < 1:
        raise BrokenCheckpoint("config.json names no hidden_size")
    return size


def _shorter(config: dict[str, Any]) -> tuple[int, ...]:
    listed = config.get("matryoshka_dimensions")
    return tuple(one for one in listed if isinstance(one, int)) if isinstance(listed, list) else ()


def _prompt(config: dict[str, Any]) -> str:
    match config:
        case {"default_prompt_name": str(name), "prompts": dict(prompts)}:
            prompt = prompts.get(name, "")
            if isinstance(prompt, str) and len(prompt) <= _MAX_PROMPT:
                return prompt
            raise BrokenCheckpoint(f"{_PROMPTS} has no usable prompt {name!r}")
        case _:
            return ""


def _object(path: Path) -> dict[str, Any]:
    return _json(path, dict) if path.is_file() else {}


def _json(path: Path, kind: type[Any]) -> Any:
    if path.stat().st_size > _MAX_BYTES:
        raise BrokenCheckpoint(f"{path.name} is larger than {_MAX_BYTES} bytes")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BrokenCheckpoint(f"{path.name} is not readable: its JSON is malformed") from error
    if not isinstance(value, kind):
        raise BrokenCheckpoint(f"{path.name} is not what it should be: no {kind.__name__}")
    return value
