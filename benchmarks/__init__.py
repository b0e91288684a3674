"""Every number in the docs comes from a script here that anyone can run again."""
