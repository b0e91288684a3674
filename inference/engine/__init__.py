"""The runner: one model in one process. torch lives here and nowhere else; Django nowhere here."""
