"""The pictures of one request, and the token ids that stand for their parts.

A part of a picture has an id of its own: negative, made of the picture's digest and its place. So
whatever compares tokens compares pictures too: keys and values of a prompt are used again for the
same pictures alone.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from inference.engine.submission import Refusal
from inference.engine.vision.files import VisionFiles
from inference.engine.wire import Submit

if TYPE_CHECKING:
    from torch import Tensor

_PLACE_BITS: Final = 16
_DIGEST_BYTES: Final = 16


@dataclass(eq=False, slots=True)
class Pictures:
    """What came with a request. What was seen of it stays as long as the request does."""

    contents: dict[int, bytes]  # digest → the file, until it is seen
    seen: "dict[int, Tensor]" = field(default_factory=dict)  # digest → [features, hidden]

    @property
    def waiting_bytes(self) -> int:
        """Return how much the files take that nobody has looked at."""
        return sum(map(len, self.contents.values()))

    def note(self, digest: int, seen: "Tensor") -> None:
        """Keep what was seen of a picture in place of its file."""
        self.seen[digest] = seen
        del self.contents[digest]

    def unseen(self, tokens: Iterable[int]) -> list[int]:
        """Return the digests of pictures that `tokens` need and nobody has looked at."""
        needed = {place_of(token)[0]: None for token in tokens if token < 0}
        return [digest for digest in needed if digest not in self.seen]


def place_of(token: int) -> tuple[int, int]:
    """Return which picture a negative id is of, and which part of it."""
    number = -1 - token
    return number >> _PLACE_BITS, number & ((1 << _PLACE_BITS) - 1)


def pictured(request: Submit, vision: VisionFiles) -> tuple[list[int], Pictures]:
    """Return the request's prompt with each part of each picture told apart, and the pictures."""
    digests = [_digest(image) for image in request.images]
    parts = iter([_part(one, place) for one in digests for place in range(vision.features)])
    tokens = [next(parts) if token == vision.token_id else token for token in request.prompt]
    return tokens, Pictures(dict(zip(digests, request.images, strict=True)))


def pictures_refusal(request: Submit, vision: VisionFiles | None) -> Refusal | None:
    """Return why the request's pictures cannot be read, or None."""
    if not request.images:
        return None
    if vision is None:
        return Refusal("wrong_task", "this model reads no pictures")
    places, wanted = request.prompt.count(vision.token_id), len(request.images) * vision.features
    if places == wanted:
        return None
    detail = f"the prompt has {places} places for parts of pictures; its pictures have {wanted}"
    return Refusal("invalid_prompt", detail)


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest())


def _part(digest: int, place: int) -> int:
    return -1 - (digest << _PLACE_BITS | place)


def rows_of(tokens: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return each negative id as its position, its picture and its part."""
    return [(at, *place_of(token)) for at, token in enumerate(tokens) if token < 0]
