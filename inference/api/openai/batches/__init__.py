"""/v1/batches: a file of requests, answered within a day in another."""
