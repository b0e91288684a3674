"""Tests, laid out as the code is. Everything real: sockets, stores, databases, models."""
