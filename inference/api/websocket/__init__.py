"""The websocket door: several generations at once on one socket."""
