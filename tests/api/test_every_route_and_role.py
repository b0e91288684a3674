"""Every route for every role: who may, who may not, and that nobody forgot one.

The table below is the whole matrix. A route that is not in it fails the first test, so a new one
cannot be forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.live_web import CannedRunnerProcess, LiveWeb, StartWeb

# In the order of each row's status codes. `ada` owns what the addresses name; `eve` is somebody
# else, whose key has every scope there is; `person` is ada with an access token.
ROLES: Final = ("nobody", "no scopes", "eve", "ada", "person", "root")


@dataclass(frozen=True)
class Row:
    """One route and method, what to send, and the status for each role."""

    method: str
    route: str
    statuses: tuple[int, ...]
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.route}{'?' + next(iter(self.query)) if self.query else ''}"


def everybody(status: int) -> tuple[int, ...]:
    return (status,) * len(ROLES)


CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
WEBHOOK = "api/v1/webhooks/<int:endpoint_id>"
KEY_PAGE = "account/keys/<int:key_id>"
# What only a session opens; tests/browser walks through them.
JOB_PAGE = "account/jobs/<str:task_id>"
BATCH_PAGE = "account/batches/<str:batch_id>"
HOOK_PAGE = "account/webhooks/<int:endpoint_id>"
PAGES = (
    *("account/keys", "account/keys/new", KEY_PAGE, "account/security", "account/usage"),
    *("account/requests", "account/requests/<str:request_id>", "account/jobs", JOB_PAGE),
    *("account/batches", BATCH_PAGE),
    *("account/webhooks", "account/webhooks/new", HOOK_PAGE),
)
FORMS = (
    *("account/keys/new", KEY_PAGE, f"{KEY_PAGE}/rotate", f"{KEY_PAGE}/revoke"),
    *("account/security/password", "account/security/sessions", f"{JOB_PAGE}/cancel"),
    f"{BATCH_PAGE}/cancel",
    *("account/webhooks/new", HOOK_PAGE, f"{HOOK_PAGE}/rotate", f"{HOOK_PAGE}/test"),
    *(f"{HOOK_PAGE}/delete", f"{HOOK_PAGE}/deliveries/<int:delivery_id>/redeliver"),
)
# What lacks fields is refused with 400 only to who may do it at all: nothing is made by this test.
MATRIX: Final = [
    Row("POST", "v1/chat/completions", (401, 403, 200, 200, 200, 200), CHAT),
    Row(
        "POST", "v1/completions", (401, 403, 200, 200, 200, 200), {"prompt": "hi", "max_tokens": 2}
    ),
    Row("POST", "api/v1/generate/text", (401, 403, 200, 200, 200, 200), {"text": "hi"}),
    # No stream is resumable in this test: whoever may generate is told so.
    *(
        Row(method, f"{side}v1/streams/<str:stream_id>", (401, 403, 404, 404, 404, 404))
        for side in ("", "api/")
        for method in ("GET", "DELETE")
    ),
    # No model of these kinds is here; whoever may ask is told so.
    Row("POST", "v1/embeddings", (401, 403, 400, 400, 400, 400), {"input": "hi"}),
    Row("POST", "api/v1/embeddings", (401, 403, 400, 400, 400, 400), {"input": "hi"}),
    Row("POST", "v1/moderations", (401, 403, 400, 400, 400, 400), {"input": "hi"}),
    Row("POST", "v1/rerank", (401, 403, 400, 400, 400, 400), {"query": "a", "documents": ["b"]}),
    Row("POST", "api/v1/upload/image", (401, 403, 400, 400, 400, 400), {}),
    Row("GET", "v1/models", (401, 403, 200, 200, 200, 200)),
    Row("GET", "v1/models/<str:name>", (401, 403, 200, 200, 200, 200)),
    Row("GET", "api/v1/models", (401, 403, 200, 200, 200, 200)),
    Row("GET", "api/v1/models/<str:name>", (401, 403, 200, 200, 200, 200)),
    Row("POST", "api/v1/models", (401, 403, 403, 403, 403, 400), {}),
    Row("PUT", "api/v1/models/<str:name>", (401, 403, 403, 403, 403, 400), {}),
    Row("PATCH", "api/v1/models/<str:name>", (401, 403, 403, 403, 403, 400), {"slots": -1}),
    Row("DELETE", "api/v1/models/<str:name>", (401, 403, 403, 403, 403, 404)),
    Row("GET", "api/v1/requests", (401, 403, 200, 200, 200, 200)),
    Row("GET", "api/v1/requests", (401, 403, 403, 403, 403, 200), query={"all": "true"}),
    Row("GET", "api/v1/requests", (401, 403, 403, 403, 403, 200), query={"user": "ada"}),
    Row("GET", "api/v1/requests/<str:request_id>", (401, 403, 404, 200, 200, 200)),
    Row("GET", "api/v1/requests/<str:request_id>/explain", (401, 403, 404, 200, 200, 200)),
    Row("GET", "api/v1/usage", (401, 403, 200, 200, 200, 200)),
    Row("GET", "api/v1/usage", (401, 403, 403, 403, 403, 200), query={"all": "true"}),
    Row("GET", "api/v1/quotas", (401, 403, 200, 200, 200, 200)),
    Row("POST", "api/v1/generate/async", (401, 403, 202, 202, 202, 202), {"text": "hi"}),
    Row("GET", "api/v1/tasks", (401, 403, 200, 200, 200, 200)),
    Row("GET", "api/v1/tasks/<str:task_id>", (401, 403, 404, 200, 200, 404)),
    Row("GET", "api/v1/tasks/<str:task_id>/events", (401, 403, 404, 200, 200, 404)),
    # It is cancelled already.
    Row("POST", "api/v1/tasks/<str:task_id>/cancel", (401, 403, 404, 409, 409, 404)),
    Row("DELETE", "api/v1/tasks/<str:task_id>", (401, 403, 404, 409, 409, 404)),
    # A form is asked for; JSON is none.
    Row("POST", "v1/files", (401, 403, 415, 415, 415, 415), {}),
    Row("GET", "v1/files", (401, 403, 200, 200, 200, 200)),
    Row("GET", "v1/files/<str:file_id>", (401, 403, 404, 200, 200, 404)),
    Row("GET", "v1/files/<str:file_id>/content", (401, 403, 404, 200, 200, 404)),
    # A batch reads it.
    Row("DELETE", "v1/files/<str:file_id>", (401, 403, 404, 409, 409, 404)),
    Row("POST", "v1/batches", (401, 403, 400, 400, 400, 400), {}),
    Row("GET", "v1/batches", (401, 403, 200, 200, 200, 200)),
    Row("GET", "v1/batches/<str:batch_id>", (401, 403, 404, 200, 200, 404)),
    Row("POST", "v1/batches/<str:batch_id>/cancel", (401, 403, 404, 200, 200, 404)),
    Row("GET", "api/v1/keys", (401, 403, 200, 403, 200, 200)),
    Row("POST", "api/v1/keys", (401, 403, 400, 403, 400, 400), {"scopes": ["nonsense"]}),
    Row("GET", "api/v1/keys/<int:id>", (401, 403, 404, 403, 200, 200)),
    Row("PATCH", "api/v1/keys/<int:id>", (401, 403, 404, 403, 400, 400), {"scopes": ["nonsense"]}),
    Row(
        "POST", "api/v1/keys/<int:id>/rotate", (401, 403, 400, 403, 400, 400), {"grace_seconds": -1}
    ),
    Row("DELETE", "api/v1/keys/<int:id>", (401, 403, 404, 403, 204, 204)),
    Row("GET", "api/v1/webhooks", (401, 403, 200, 403, 200, 200)),
    Row("POST", "api/v1/webhooks", (401, 403, 400, 403, 400, 400), {}),
    # Of webhooks each has their own, admins too.
    Row("GET", WEBHOOK, (401, 403, 404, 403, 200, 404)),
    Row("PATCH", WEBHOOK, (401, 403, 404, 403, 400, 404), {"events": []}),
    Row("POST", f"{WEBHOOK}/rotate", (401, 403, 404, 403, 400, 404), {"overlap_seconds": -1}),
    Row("POST", f"{WEBHOOK}/test", (401, 403, 404, 403, 202, 404)),
    Row("GET", f"{WEBHOOK}/deliveries", (401, 403, 404, 403, 200, 404)),
    Row(
        "POST",
        f"{WEBHOOK}/deliveries/<int:delivery_id>/redeliver",
        (401, 403, 404, 403, 409, 404),
    ),
    Row("DELETE", WEBHOOK, (401, 403, 404, 403, 204, 404)),
    Row("GET", "api/v1/audit", (401, 403, 403, 403, 403, 200)),
    Row("POST", "api/v1/auth/token", everybody(400), {}),
    Row("POST", "api/v1/auth/token/refresh", everybody(400), {}),
    Row("POST", "api/v1/auth/token/verify", everybody(400), {}),
    Row("POST", "api/v1/auth/token/blacklist", everybody(400), {}),
    Row("POST", "api/v1/auth/sign-up", everybody(403), {}),
    Row("GET", "", everybody(200)),
    # Keys and tokens open no page: those are for sessions. A form from nowhere is refused.
    Row("GET", "account/sign-in", everybody(200)),
    Row("POST", "account/sign-in", everybody(403), {}),
    Row("POST", "account/sign-out", everybody(403), {}),
    Row("GET", "playground", everybody(302)),
    Row("GET", "account/sign-up", everybody(403)),  # switched off here
    Row("POST", "account/sign-up", everybody(403), {}),
    *(Row("GET", page, everybody(302)) for page in PAGES),
    *(Row("POST", form, everybody(403), {}) for form in FORMS),
    Row("GET", "favicon.ico", everybody(204)),
    Row("GET", "health", everybody(200)),
    Row("GET", "health/live", everybody(200)),
    Row("GET", "health/ready", everybody(200)),
    Row("GET", "metrics", everybody(200)),
    Row("GET", "api/schema", everybody(200)),
    Row("GET", "api/docs", everybody(200)),
    Row("GET", "api/redoc", everybody(200)),
    Row("GET", "admin/login", everybody(200)),
]


def test_the_table_has_every_route_and_method() -> None:
    named = {(row.method, row.route) for row in MATRIX}
    assert named == set(_routes(get_resolver().url_patterns, ""))


def _routes(patterns: list[Any], before: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = before + _plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":  # every one of its pages is tried below
                yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            methods = getattr(pattern.callback, "methods", ["get"])  # of our pages
            actions = getattr(pattern.callback, "actions", None) or methods
            for method in set(actions) - {"head"}:  # which DRF adds when one is first asked
                yield method.upper(), route.rstrip("/")


def _plain(pattern: str) -> str:
    return pattern.removeprefix("^").removesuffix("$").removesuffix("/?")


@dataclass
class Cast:
    """What the addresses name, and what each role sends."""

    web: LiveWeb
    headers: dict[str, dict[str, str]]
    named: dict[str, str]

    def ask(self, row: Row, role: str) -> httpx.Response:
        route = row.route
        for placeholder, value in self.named.items():
            route = route.replace(placeholder, value)
        if row.method == "DELETE" and role == "root":
            route = route.replace("tiny", "no-such-model")
        if route == "admin/login":
            route += "/"
        with self.web.client(None) as client:
            return client.request(
                row.method,
                f"/{route}",
                headers=self.headers[role],
                params=row.query,
                json=row.body,
            )


@pytest.fixture(scope="module")
def cast(start_web: StartWeb) -> Iterator[Cast]:
    with start_web() as web, CannedRunnerProcess(web).running():
        web.manage(
            "shell",
            "-c",
            "from accounts.models import User; "
            "u = User.objects.get(username='ada'); u.set_password('lovelace-1815'); u.save()",
        )
        with web.client(None) as client:
            signed_in = client.post(
                "/api/v1/auth/token", json={"username": "ada", "password": "lovelace-1815"}
            ).json()
            ada = _bearer(web.keys["ada"])
            asked = client.post("/v1/chat/completions", json=CHAT, headers=ada)
            job = client.post("/api/v1/generate/async", json={"text": "hi"}, headers=ada).json()
            client.delete(f"/api/v1/tasks/{job['task_id']}", headers=ada)
            file = client.post(
                "/v1/files",
                files={"file": ("requests.jsonl", b"{}")},
                data={"purpose": "batch"},
                headers=ada,
            ).json()
            batch = client.post(
                "/v1/batches",
                json={
                    "input_file_id": file["id"],
                    "endpoint": "/v1/chat/completions",
                    "completion_window": "24h",
                },
                headers=ada,
            ).json()
            hook = client.post(
                "/api/v1/webhooks",
                json={"url": "https://hooks.example/", "events": ["job.completed"]},
                headers=_bearer(signed_in["access"]),
            ).json()
            delivery = client.post(
                f"/api/v1/webhooks/{hook['id']}/test", headers=_bearer(signed_in["access"])
            ).json()
        bearers = {
            "no scopes": web.keys["no scopes"],
            "eve": web.keys["eve all"],
            "ada": web.keys["ada"],
            "person": signed_in["access"],
            "root": web.keys["root"],
        }
        (key,) = web.sql("SELECT id FROM accounts_apikey WHERE name = 'to be revoked'")
        yield Cast(
            web,
            {"nobody": {}, **{role: _bearer(text) for role, text in bearers.items()}},
            {
                "<str:name>": "tiny",
                "<str:request_id>": asked.headers["x-request-id"],
                "<str:stream_id>": asked.headers["x-request-id"],
                "<str:task_id>": job["task_id"],
                "<str:file_id>": file["id"],
                "<str:batch_id>": batch["id"],
                "<int:id>": str(key["id"]),
                "<int:key_id>": str(key["id"]),
                "<int:endpoint_id>": str(hook["id"]),
                "<int:delivery_id>": str(delivery["id"]),
            },
        )


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_every_role_gets_what_the_table_says(cast: Cast, row: Row) -> None:
    told = tuple(cast.ask(row, role).status_code for role in ROLES)
    assert dict(zip(ROLES, told, strict=True)) == dict(zip(ROLES, row.statuses, strict=True))


def test_no_page_of_the_admin_opens_for_a_key_or_for_nobody(cast: Cast) -> None:
    pages = ["", "accounts/user/", "accounts/apikey/", "accounts/apikey/add/", "accounts/limit/",
             "accounts/plan/", "accounts/auditevent/", "gateway/request/", "registry/model/",
             "gateway/usageday/", "jobs/job/", "jobs/batch/", "jobs/file/",
             "jobs/periodictask/", "webhooks/endpoint/", "webhooks/delivery/",
             "password_change/", "jsi18n/"]  # fmt: skip
    for role in ROLES:
        for page in pages:
            with cast.web.client(None) as client:
                answer = client.get(f"/admin/{page}", headers=cast.headers[role])
            assert answer.status_code == 302, (role, page)
            assert "/admin/login/" in answer.headers["location"]
