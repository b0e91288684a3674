"""Pages for people: what they asked, what it came to, and what they are told of."""
