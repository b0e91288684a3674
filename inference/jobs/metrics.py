"""Metrics of jobs."""

from prometheus_client import Counter, Histogram

jobs_ended = Counter("aiplatform_jobs_total", "Jobs by how they ended.", ["kind", "status"])
jobs_postponed = Counter("aiplatform_jobs_postponed_total", "Attempts put off.", ["code"])
batches_ended = Counter("aiplatform_batches_total", "Batches by how they ended.", ["status"])
job_wait_seconds = Histogram(
    "aiplatform_job_wait_seconds",
    "From a job's submission until it was first begun.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600, 86_400),
)
