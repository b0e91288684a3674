"""POST /api/v1/embeddings with `async: true`."""

from typing import Any

from rest_framework.request import Request

from inference.api.native.tasks.later import ASYNC
from inference.api.native.tasks.submission import SubmissionViewSet
from inference.jobs.kinds import NATIVE_EMBEDDINGS, Asked


class LaterEmbeddingsViewSet(SubmissionViewSet):
    """Embed texts without waiting for it."""

    kind = NATIVE_EMBEDDINGS

    def asked(self, request: Request) -> Asked:
        body: Any = request.data  # an object: that it says `async` is why it is here
        return Asked({name: value for name, value in body.items() if name != ASYNC})
