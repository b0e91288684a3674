"""The doors at which a stream of events is taken up again, or stopped."""
