"""Batches: a file of requests, worked on when nobody else needs the models, answered in a file."""
