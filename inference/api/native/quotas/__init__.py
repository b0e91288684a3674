"""`/api/v1/quotas`: the limits on the caller and what is left of them."""
