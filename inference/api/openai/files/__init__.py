"""/v1/files: what is worked on later, and what came of it."""
