"""Work that Celery does."""
