"""`Idempotency-Key`: what is posted again with the same key is answered with the first answer."""
