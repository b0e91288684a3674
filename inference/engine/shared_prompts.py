"""Prompts that the operator marked as shared by all tenants, as tokens."""

from inference.engine.text.chat_template import TemplateError
from inference.engine.text.tokenizer import Tokenizer


def shared_tokens(tokenizer: Tokenizer, prompts: list[str]) -> list[list[int]]:
    """Return how each text begins a prompt: as it is, and as a conversation's system message."""
    tokens = []
    for text in prompts:
        tokens.append(tokenizer.encode(text))
        try:
            tokens.append(tokenizer.encode_chat([{"role": "system", "content": text}]))
        except TemplateError:
            continue  # a model without a chat template, or one that knows no system message
    return tokens
