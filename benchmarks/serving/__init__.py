"""Servers of one model side by side: what `benchmarks.engine` is made of."""
