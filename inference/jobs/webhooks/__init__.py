"""Webhooks: what happened is told to the addresses that users name, signed and until it arrives."""
