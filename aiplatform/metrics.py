"""The platform's own metrics, beside the page metrics of django-prometheus."""

from functools import lru_cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

http_requests = Counter(
    "aiplatform_http_requests_total", "Answers by route and status.", ["method", "route", "status"]
)
http_seconds = Histogram(
    "aiplatform_http_seconds", "Time until the answer or its headers.", ["route"], buckets=_FAST
)
generations = Counter(
    "aiplatform_generations_total", "Generations by how they ended.", ["model", "door", "status"]
)
generation_tokens = Counter(
    "aiplatform_generation_tokens_total", "Tokens read and made.", ["model", "kind"]
)
generation_images = Counter("aiplatform_generation_images_total", "Images read.", ["model"])
time_to_first_token = Histogram(
    "aiplatform_time_to_first_token_seconds",
    "From request to first token.",
    ["model"],
    buckets=_FAST,
)
overhead_seconds = Histogram(
    "aiplatform_overhead_seconds", "Time a generation spent outside the model.", buckets=_FAST
)
generations_open = Gauge(
    "aiplatform_generations_open", "Generations under way.", multiprocess_mode="livesum"
)
websockets_open = Gauge(
    "aiplatform_websockets_open", "Websockets that are open.", multiprocess_mode="livesum"
)
spooled_rows = Counter("aiplatform_spooled_rows_total", "History rows kept in the spool file.")


@lru_cache(maxsize=10_000)
def labelled(metric: Any, *labels: str) -> Any:
    """Return the child of `metric` with these labels; looking it up anew takes a lock each time."""
    return metric.labels(*labels)
