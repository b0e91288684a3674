"""OpenAI's protocol under /v1, as its own SDK speaks it."""
