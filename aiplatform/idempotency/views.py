"""`Idempotency-Key` for DRF's synchronous views that create something."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.principal import Principal
from aiplatform.idempotency.attempt import HEADER, Attempt, attempt_of
from aiplatform.idempotency.claim import LOOK_EVERY_S
from aiplatform.idempotency.errors import still_in_flight
from aiplatform.idempotency.kept_answer import KeptAnswer
from aiplatform.idempotency.records import (
    Standing,
    record_claim,
    record_is_in_flight,
    record_keep,
    record_release,
)

Handler = Callable[..., Any]


class CreatesOnce(APIView):
    """A mixin, named before the view: a POST with a key creates once, however often it is sent.

    What is created and the answer that is kept of it are committed together.
    """

    takes_idempotency_key: ClassVar = True  # read by the OpenAPI schema
    post: Handler  # a viewset sets it to its action

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once it is known who may post, put the claim before what dispatch calls next."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and HEADER in request.META:
            self.post = partial(self._once, self.post)

    def compared(self, request: Request) -> bytes | None:
        """Return what two requests with the same key must share; None: their bodies."""
        return None

    def _once(
        self, handler: Handler, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        caller: object = request.user
        principal = caller if isinstance(caller, Principal) else None
        attempt = attempt_of(request._request, principal, self.compared(request))
        found = _claim(attempt)
        if isinstance(found, KeptAnswer):
            return found.again()
        kept = False
        try:
            with transaction.atomic():
                response: Response = handler(request, *args, **kwargs)
                kept = self._keep(attempt, request, response)
        finally:
            if not kept:
                record_release(attempt=attempt)
        return response

    def _keep(self, attempt: Attempt, request: Request, response: Response) -> bool:
        """Keep an answer that may be kept; return whether it is. Raises ApiError to undo it all."""
        self.finalize_response(request, response, *self.args, **self.kwargs)
        answer = KeptAnswer.of(response.render(), response.content)
        if not answer.is_success or len(answer.body) > settings.IDEMPOTENCY_MAX_ANSWER_BYTES:
            return False
        if not record_keep(attempt=attempt, answer=answer):
            raise still_in_flight(settings.LEASE_TTL_S)  # it took so long that another took over
        return True


def _claim(attempt: Attempt) -> Standing | KeptAnswer:
    """Claim the key or return its answer. These claims are not renewed: none outlives a lease."""
    deadline = time.monotonic() + settings.REQUEST_TIMEOUT_S
    while (found := record_claim(attempt=attempt)) is Standing.IN_FLIGHT:
        while record_is_in_flight(key_digest=attempt.key_digest):
            if time.monotonic() > deadline:
                raise still_in_flight(settings.REQUEST_TIMEOUT_S)
            time.sleep(LOOK_EVERY_S)
    return found
