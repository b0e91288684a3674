"""What can be served and where it runs."""
