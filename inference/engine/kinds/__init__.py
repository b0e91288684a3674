"""What models do that answer each item once: embeddings, classes, scores. One file a kind."""
