"""The model's tokenizer without torch or transformers, so that the web can count prompts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import tokenizers

from inference.engine.checkpoint import BrokenCheckpoint
from inference.engine.text.chat_template import ChatTemplate, TemplateError
from inference.engine.vision.files import VisionFiles
from inference.engine.vision.prompts import in_parts, with_pictures

# The largest published tokenizer.json are about 35 MB.
_MAX_FILE_BYTES: Final = 256 * 1024 * 1024
_NAMED_TOKENS: Final = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)


Encoded = tuple[list[int], list[int]]  # token ids, and the text of a pair that each is of


class TokenizerError(Exception):
    """A model directory whose tokenizer cannot be used. The text names the file and is safe."""


class TextError(ValueError):
    """A text that is not valid Unicode, as JSON can smuggle it in. Safe to show."""


class Tokenizer:
    """Text and chat messages to ids and back, as the model's own files say.

    Thread-safe: nothing changes after loading.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        named_tokens: dict[str, str],
        eos_ids: frozenset[int],
        chat_template: ChatTemplate | None,
        vision: VisionFiles | None = None,
    ) -> None:
        self._backend = backend
        self.vision = vision  # how the model reads pictures, if it does
        self._named_tokens = named_tokens
        self._chat_template = chat_template
        self.eos_ids = eos_ids
        self.special_ids = frozenset(
            token_id
            for token_id, token in backend.get_added_tokens_decoder().items()
            if token.special
        )
        self.vocabulary_size: int = backend.get_vocab_size(with_added_tokens=True)

    @classmethod
    def load(cls, directory: Path) -> "Tokenizer":
        """Read the tokenizer of a prepared model directory.

        Raises TokenizerError if tokenizer.json is missing or unusable, and TemplateError if the
        chat template does not compile.
        """
        backend = _load_backend(directory / "tokenizer.json")
        config = _read_json(directory / "tokenizer_config.json")
        named_tokens = _named_tokens(config, _read_json(directory / "special_tokens_map.json"))
        source = _chat_template_source(directory, config)
        return cls(
            backend,
            named_tokens=named_tokens,
            eos_ids=_eos_ids(directory, backend, named_tokens),
            chat_template=None if source is None else ChatTemplate(source),
            vision=_vision(directory, backend),
        )

    @property
    def has_chat_template(self) -> bool:
        """Return whether messages can be encoded at all."""
        return self._chat_template is not None

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, with the special tokens the model's own files add.

        Raises TextError for half a surrogate pair.
        """
        _check_unicode(text)
        return list(self._backend.encode(text).ids)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` does, on all cores. Raises TextError."""
        if len(texts) == 1:  # by the library's own threads it would wait for one of them to wake
            return [self.encode(texts[0])]
        for text in texts:
            _check_unicode(text)
        # Fast: it does not note where in the text each token was.
        return [list(one.ids) for one in self._backend.encode_batch_fast(list(texts))]

    def encode_pair(self, first: str, second: str) -> Encoded:
        """Return the ids of two texts in one, and which of them each id is of. Raises TextError."""
        _check_unicode(first)
        _check_unicode(second)
        both = self._backend.encode(first, second)
        return list(both.ids), list(both.type_ids)

    def encode_cut(self, text: str, length: int, second: str | None = None) -> Encoded:
        """Return ids, and which text each is of, cut to `length` with the special ones kept.

        Of a pair the second text is cut, and the first only where that is not enough.
        """
        backend = self._backend
        room = length - backend.num_special_tokens_to_add(second is not None)
        parts = [backend.encode(one, add_special_tokens=False) for one in (text, second) if one]
        first = parts[0]
        first.truncate(max(1, room))
        if second is None or len(parts) == 1:
            whole = backend.post_process(first)
        else:
            parts[1].truncate(max(0, room - len(first.ids)))
            whole = backend.post_process(first, parts[1])
        return list(whole.ids), list(whole.type_ids)

    def encode_chat(self, messages: list[dict[str, object]]) -> list[int]:
        """Return the ids of a conversation that ends where the assistant is to answer.

        Raises TemplateError, safe to show, if the model has no chat template or it fails.
        """
        if self._chat_template is None:
            raise TemplateError("the model has no chat template; send a prompt, not messages")
        text = self._rendered(self._chat_template, messages)
        try:
            _check_unicode(text)
        except TextError as error:
            raise TemplateError(str(error)) from error
        # The template writes the special tokens itself; adding them again would double them.
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def _rendered(self, template: ChatTemplate, messages: list[dict[str, object]]) -> str:
        if self.vision is None:
            return template.render(messages, self._named_tokens)
        text = template.render(in_parts(messages), self._named_tokens)
        return with_pictures(text, messages, self.name_of(self.vision.token_id) or "", self.vision)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`; special tokens have none."""
        return str(self._backend.decode(list(ids), skip_special_tokens=True))

    def name_of(self, token: int) -> str | None:
        """Return how the vocabulary writes a token, or None for an id it does not have."""
        name: str | None = self._backend.id_to_token(token)
        return name


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            "the text holds half of a surrogate pair, which is no character; send valid Unicode"
        ) from error


def _load_backend(path: Path) -> tokenizers.Tokenizer:
    content = _read_text(path)
    if content is None:
        raise TokenizerError(f"{path.name} is missing; the model must bring a fast tokenizer")
    try:
        backend = tokenizers.Tokenizer.from_str(content)
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"{path.name} is not a tokenizer this library can read") from error
    # A training-time cut or padding must never shorten or lengthen a prompt in silence.
    backend.no_truncation()
    backend.no_padding()
    return backend


def _chat_template_source(directory: Path, config: dict[str, Any]) -> str | None:
    own_file = _read_text(directory / "chat_template.jinja")
    if own_file is not None:
        return own_file
    # Processors wrote it there before they had a file for it alone.
    of_processor = _read_json(directory / "chat_template.json")
    template = config.get("chat_template") or of_processor.get("chat_template")
    if isinstance(template, list):  # several named ones; "default" is for plain conversations
        named = {
            item.get("name"): item.get("template") for item in template if isinstance(item, dict)
        }
        template = named.get("default")
    return template if isinstance(template, str) else None


def _vision(directory: Path, backend: tokenizers.Tokenizer) -> VisionFiles | None:
    try:
        vision = VisionFiles.of(_read_json(directory / "config.json"))
    except BrokenCheckpoint as error:
        raise TokenizerError(str(error)) from error
    if vision is not None and not backend.id_to_token(vision.token_id):
        raise TokenizerError("tokenizer.json lacks the token that stands for a picture")
    return vision


def _named_tokens(*files: dict[str, Any]) -> dict[str, str]:
    """Return bos_token and the like. Earlier files win; a token is text or {"content": text}."""
    found: dict[str, str] = {}
    for file in reversed(files):
        for name in _NAMED_TOKENS:
            token = file.get(name)
            content = token.get("content") if isinstance(token, dict) else token
            if isinstance(content, str):
                found[name] = content
    return found


def _eos_ids(
    directory: Path, backend: tokenizers.Tokenizer, named_tokens: dict[str, str]
) -> frozenset[int]:
    """Return every id that ends a completion. Chat models often have two (end of turn, of text)."""
    ids = {backend.token_to_id(named_tokens.get("eos_token", ""))}
    for name in ("generation_config.json", "config.json"):
        value = _read_json(directory / name).get("eos_token_id")
        ids.update(value if isinstance(value, list) else [value])
    return frozenset(token_id for token_id in ids if isinstance(token_id, int))


def _read_json(path: Path) -> dict[str, Any]:
    content = _read_text(path)
    if content is None:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{path.name} is not JSON") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path.name} is not a JSON object")
    return value


def _read_text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise TokenizerError(f"{path.name} is larger than {_MAX_FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise TokenizerError(f"{path.name} cannot be read as UTF-8 text") from error
