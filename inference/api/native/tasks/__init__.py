"""/api/v1/generate/async and /api/v1/tasks: ask now, be answered later."""
