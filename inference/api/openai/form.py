"""How /v1 answers: chat completions and completions, whole or as chunks."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import scopes
from aiplatform.errors import ApiError, openai_error, openai_response
from aiplatform.json_media import encode
from inference.api.event_stream import DONE, event
from inference.api.openai.completion_logprobs import characters, columns
from inference.api.token_logprobs import named
from inference.engine.wire import TokenLogprob
from inference.gateway.answered import Answered, Piece
from inference.gateway.entry import Entry
from inference.gateway.spec import GenerationSpec


class OpenAIForm:
    """What both routes share; the subclasses say how a choice looks."""

    door = ""
    scope = scopes.GENERATE
    id_prefix = ""
    whole_object = ""
    chunk_object = ""

    def __init__(self) -> None:
        self.include_usage = False
        self._head: dict[str, Any] = {}  # of whole answers or of chunks: a form writes one of both
        self._named: dict[int, int] = {}  # choice → characters that were sent with logprobs

    def choice(self, text: str) -> dict[str, Any]:
        """Return the part of a whole answer's choice that holds `text`."""
        raise NotImplementedError

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        """Return the part of a chunk's choice that holds `text`, or nothing."""
        raise NotImplementedError

    def logprobs(self, logprobs: list[TokenLogprob], start: int) -> dict[str, Any]:
        """Return what says how likely tokens were; `start` characters of text came before."""
        raise NotImplementedError

    def whole(self, spec: GenerationSpec, entry: Entry, answered: Answered) -> bytes:
        choices = [
            {
                "index": index,
                **self.choice(choice.text),
                "logprobs": self._logprobs(spec, choice.logprobs, 0),
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(answered.choices)
        ]
        body = self._envelope(spec, entry, self.whole_object, choices)
        return encode({**body, "usage": _usage(entry)})

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        return b""

    def delta(self, spec: GenerationSpec, entry: Entry, piece: Piece) -> bytes:
        logprobs = None
        if piece.logprobs:
            start = self._named.get(piece.choice, 0)
            self._named[piece.choice] = start + characters(piece.logprobs)
            logprobs = self._logprobs(spec, piece.logprobs, start)
        return self._chunk(spec, entry, piece.choice, self.chunk_choice(piece.text), logprobs)

    def last(self, spec: GenerationSpec, entry: Entry, answered: Answered) -> bytes:
        end = b"".join(
            self._chunk(
                spec, entry, index, self.chunk_choice(None), finish_reason=choice.finish_reason
            )
            for index, choice in enumerate(answered.choices)
        )
        if self.include_usage:
            body = self._envelope(spec, entry, self.chunk_object, [])
            end += event({**body, "usage": _usage(entry)})
        return end + DONE

    def failed(self, entry: Entry, error: ApiError) -> bytes:
        return event(openai_error(error))

    def refusal(self, request: HttpRequest, error: ApiError) -> HttpResponse:
        return openai_response(error)

    def _logprobs(
        self, spec: GenerationSpec, logprobs: list[TokenLogprob], start: int
    ) -> dict[str, Any] | None:
        return None if spec.sampling.logprobs is None else self.logprobs(logprobs, start)

    def _chunk(
        self,
        spec: GenerationSpec,
        entry: Entry,
        index: int,
        news: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        finish_reason: str | None = None,
    ) -> bytes:
        choice = {"index": index, **news, "logprobs": logprobs, "finish_reason": finish_reason}
        body = self._envelope(spec, entry, self.chunk_object, [choice])
        # OpenAI's chunks carry `usage: null` until the last, once it has been asked for.
        return event({**body, "usage": None} if self.include_usage else body)

    def _envelope(
        self, spec: GenerationSpec, entry: Entry, kind: str, choices: list[dict[str, Any]]
    ) -> dict[str, Any]:
        if not self._head:  # the same in every chunk, and dear
            self._head = {
                "id": f"{self.id_prefix}-{entry.id}",
                "object": kind,
                "created": int(entry.created_at.timestamp()),
                "model": spec.model.name,
            }
        return {**self._head, "choices": choices}


class ChatForm(OpenAIForm):
    """Chat completions."""

    door = "chat/completions"
    id_prefix = "chatcmpl"
    whole_object = "chat.completion"
    chunk_object = "chat.completion.chunk"

    def choice(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text}}

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        return {"delta": {} if text is None else {"content": text}}

    def logprobs(self, logprobs: list[TokenLogprob], start: int) -> dict[str, Any]:
        return {"content": named(logprobs), "refusal": None}

    def first(self, spec: GenerationSpec, entry: Entry) -> bytes:
        opening = {"delta": {"role": "assistant", "content": ""}}
        return b"".join(self._chunk(spec, entry, index, opening) for index in range(spec.n))


class CompletionForm(OpenAIForm):
    """Completions."""

    door = "completions"
    id_prefix = "cmpl"
    whole_object = "text_completion"
    chunk_object = "text_completion"

    def choice(self, text: str) -> dict[str, Any]:
        return {"text": text}

    def chunk_choice(self, text: str | None) -> dict[str, Any]:
        return {"text": text or ""}

    def logprobs(self, logprobs: list[TokenLogprob], start: int) -> dict[str, Any]:
        return columns(logprobs, start)


def _usage(entry: Entry) -> dict[str, Any]:
    return {
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "total_tokens": entry.prompt_tokens + entry.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": entry.cached_tokens},
    }
