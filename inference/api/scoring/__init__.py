"""The doors to classifiers of texts: moderation and rerank."""
