"""`/api/v1/auth/sign-up`: an account for whoever asks, where the operator allows it."""
