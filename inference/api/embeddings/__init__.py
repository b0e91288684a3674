"""The two doors to embeddings: OpenAI's and the native one."""
