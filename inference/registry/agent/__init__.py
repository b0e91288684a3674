"""The host agent: makes the runners on this machine match what the registry asks for."""
