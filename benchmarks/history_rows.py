"""A long history in the database of the platform that runs."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

SPAN_DAYS: Final = 365
# Of a hundred rows ten are of other users, one each.
_OTHERS: Final = 10
_RARE: Final = 100  # the oldest rows, which have what no other row has

_ADMISSION: Final = (
    '{"at": 1, "limits": [{"source": "plan default", "per": "user", "model": null, "resource": '
    '"tokens", "window": "day", "limit": 100000, "used": 100, "reserved": 0, "wanted": 300, '
    '"resets_in": 60.0}], "refused_by": null, "retry_after": null}'
)
_REQUESTS: Final = f"""
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(last)s),
rows AS (
    SELECT n, n < {_RARE} AS rare, %(first)s + n * %(step)s AS at,
           CASE WHEN n %% 10 = 9 THEN %(other)s + n / 10 %% {_OTHERS} END AS other FROM numbers
)
INSERT INTO gateway_request (
    id, created_at, user_id, api_key_id, username, key_name, model_name, door, stream, status,
    finish_reason, error_code, prompt_tokens, completion_tokens, cached_tokens, queue_ms, ttft_ms,
    duration_ms, overhead_ms, replica, attempts, counted_at, charged_requests, charged_tokens,
    images, charged_images, cost_nano, admission, client_address, user_agent)
SELECT printf('%%012x7%%03xa%%015x', at, n %% 4096, n),
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', at / 1000.0, 'unixepoch'),
    coalesce(other, %(user)s),
    CASE WHEN other THEN NULL WHEN rare THEN %(rare_key)s ELSE %(key)s END,
    'bench', 'bench', CASE WHEN rare THEN 'retired' ELSE 'm' || n %% 3 END,
    CASE WHEN rare THEN 'generate/text' WHEN n %% 2 THEN 'completions' ELSE 'chat/completions' END,
    0, CASE WHEN rare THEN 'failed' ELSE 'completed' END,
    CASE WHEN rare THEN 'length' ELSE 'stop' END, '', 100, 200, 0, 1.0, 20.0, 1000.0, 1.0,
    'host-1:m1', 1, at, 1, 300, 0, 0, 1000, '{_ADMISSION}', '127.0.0.1', 'bench/1'
FROM rows"""
_USAGE: Final = """
INSERT INTO gateway_usageday (
    day, user_id, api_key_id, model_name, requests, completed, cancelled, failed, refused,
    prompt_tokens, completion_tokens, cached_tokens, images, charged_requests, charged_tokens,
    charged_images, cost_nano)
SELECT date(created_at), user_id, coalesce(api_key_id, 0), model_name, count(*),
    sum(status = 'completed'), 0, sum(status = 'failed'), 0, sum(prompt_tokens),
    sum(completion_tokens), 0, sum(images), sum(charged_requests), sum(charged_tokens),
    sum(charged_images), sum(cost_nano)
FROM gateway_request GROUP BY 1, 2, 3, 4"""


class Filled(NamedTuple):
    """What a caller needs to know of the history. Times in ISO 8601, UTC."""

    key: str  # of the user who has most of it
    admin_key: str
    key_id: int
    rare_key_id: int
    scattered: str  # the name of a user with one row in a hundred
    deep: uuid.UUID  # a request with nine in ten after it
    first: str
    middle: str
    last: str


def fill(rows: int) -> Filled:
    """Write that many requests over SPAN_DAYS, and their usage. Django is set up already."""
    from django.db import connection

    from accounts.models import User
    from accounts.services import api_key_create
    from inference.gateway.models import Request

    user = User.objects.create_user("long")
    admin = User.objects.create_user("overseer", is_superuser=True)
    others = [User.objects.create_user(f"other{number}") for number in range(_OTHERS)]
    (key, text), (rare_key, _) = (api_key_create(user=user) for _ in range(2))
    _, admin_text = api_key_create(user=admin, scope=["usage:read", "admin"])
    last = datetime.now(UTC).replace(microsecond=0)
    first = last - timedelta(days=SPAN_DAYS)
    values = {
        "last": rows - 1,
        "first": int(first.timestamp() * 1000),
        "step": SPAN_DAYS * 86_400_000 // rows,
        "user": user.id,
        "other": others[0].id,
        "key": key.id,
        "rare_key": rare_key.id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REQUESTS, values)
        cursor.execute(_USAGE)
    deep = Request.objects.filter(user=user).order_by("id")[rows // 10].id
    times = (
        moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        for moment in (first, (first + (last - first) / 2), last)
    )
    return Filled(text, admin_text, key.id, rare_key.id, others[0].username, deep, *times)
