"""`/api/v1/requests`: the history of one's requests, and why each went as it did."""
