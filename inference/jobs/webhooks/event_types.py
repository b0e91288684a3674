"""What can be told of. The names are part of the API."""

from typing import Final

JOB_COMPLETED: Final = "job.completed"
JOB_FAILED: Final = "job.failed"
BATCH_COMPLETED: Final = "batch.completed"
BATCH_FAILED: Final = "batch.failed"
BATCH_CANCELLED: Final = "batch.cancelled"
BATCH_EXPIRED: Final = "batch.expired"
KEY_EXPIRING: Final = "key.expiring"
QUOTA_THRESHOLD: Final = "quota.threshold"

DESCRIPTIONS: Final = {
    JOB_COMPLETED: "An asynchronous job is done; its result can be read.",
    JOB_FAILED: "An asynchronous job ended without a result.",
    BATCH_COMPLETED: "Every line of a batch has been tried; its output can be read.",
    BATCH_FAILED: "A batch was not begun, because its file is wrong.",
    BATCH_CANCELLED: "A batch was cancelled; what was done until then can be read.",
    BATCH_EXPIRED: "A batch was not done within its window; what was done can be read.",
    KEY_EXPIRING: "An API key ends within a week.",
    QUOTA_THRESHOLD: "80 % or 100 % of a limit is used.",
}
ALL: Final = frozenset(DESCRIPTIONS)

# Sent on request, to one endpoint, whatever it is subscribed to.
TEST: Final = "webhook.test"
