"""Read one's limits and what is left of them."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import scopes
from accounts.permissions import HasScope
from accounts.principal import Principal, principal_of
from aiplatform.problem_schema import described
from inference.api.native.quotas.serializers import QuotaListSerializer, QuotaQuerySerializer
from inference.gateway.errors import unknown_model
from inference.gateway.limits.counters import shown
from inference.gateway.limits.peek import LimitState, limits_peek_blocking
from inference.gateway.limits.report import limit_told
from inference.registry.selectors import models_visible


class QuotaViewSet(ViewSet):
    """The limits of the caller: of the platform, of the plan, of the user and of the key."""

    permission_classes = [HasScope]
    required_scope = scopes.USAGE_READ

    @described(
        *("Read the limits on the caller", 200, QuotaListSerializer, 400, 404, 503),
        tags=["usage"],
        parameters=[QuotaQuerySerializer],
    )
    def list(self, request: Request) -> Response:
        """Return each limit with what is used, reserved and left of it."""
        serializer = QuotaQuerySerializer(data=request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        principal, model = principal_of(request), serializer.validated_data.get("model")
        if model is not None:
            _refuse_unknown(principal, model)
        states = limits_peek_blocking(principal, model)
        return Response({"results": [_quota(state) for state in states]})


def _refuse_unknown(principal: Principal, model: str) -> None:
    # A model that is not there must have no counters: the store would keep them for weeks.
    if not models_visible(names=principal.allowed_models).filter(name=model).exists():
        raise unknown_model(model)


def _quota(state: LimitState) -> dict[str, Any]:
    return {**limit_told(state), "remaining": shown(state.rule.resource, state.remaining)}
