"""What the lines of a batch may ask for."""

from typing import Final

from inference.jobs.kinds import CHAT, COMPLETION, EMBEDDINGS

# As a line's `url` writes it → which kind of job the line is.
ENDPOINTS: Final = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETION,
    "/v1/embeddings": EMBEDDINGS,
}
WINDOWS: Final = {"24h": 24}  # hours
