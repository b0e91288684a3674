"""POST /api/v1/upload/image: what a picture shows."""
