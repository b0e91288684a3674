"""Text on both sides of the wire: chat templates and tokenizers, without torch or transformers."""
