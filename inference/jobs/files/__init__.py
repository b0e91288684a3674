"""Files: what users send to be worked on, and what is written for them."""
