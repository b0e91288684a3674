"""One process that starts the others, brings back those that die and ends them in order."""
