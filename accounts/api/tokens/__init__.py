"""`/api/v1/auth/token`: tokens for people, in exchange for their password."""
