"""Pages for people: signing in, keys, password."""
