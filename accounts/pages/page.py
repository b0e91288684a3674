"""What the pages behind a sign-in have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.principal import Principal
from accounts.selectors import principal_of_user
from aiplatform.errors import ApiError, response_for

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def page(
    *methods: str,
) -> Callable[[Callable[Concatenate[HttpRequest, Principal, P], HttpResponseBase]], View[P]]:
    """Let a view answer `methods` to whoever is signed in; it gets their principal.

    Others are shown where to sign in, and come back. An ApiError becomes a page that says it.
    Nothing on the way keeps what is answered.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, Principal, P], HttpResponseBase],
    ) -> View[P]:
        @require_http_methods([*methods, *(["HEAD"] if "GET" in methods else [])])
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            try:
                response = view(request, principal_of_user(request.user), *args, **kwargs)
            except ApiError as refused:
                response = response_for(request, refused)
            response.headers["Cache-Control"] = "no-store, private"
            return response

        answer.methods = methods  # type: ignore[attr-defined]  # what the table of routes is held to
        return answer

    return decorate
