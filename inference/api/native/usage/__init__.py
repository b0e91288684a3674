"""`/api/v1/usage`: what was used, by day, model and key."""
