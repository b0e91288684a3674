"""The six steps of a request: authenticate, parse, admit, route, stream, settle."""
