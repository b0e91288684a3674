"""The doors: native REST under /api/v1, OpenAI's protocol under /v1."""
