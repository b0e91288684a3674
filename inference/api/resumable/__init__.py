"""Streams that outlive their connection: kept in the store, taken up again in any web process."""
