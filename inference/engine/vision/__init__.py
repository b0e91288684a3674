"""Pictures in prompts: what a chat model that sees reads in their places."""
