"""What was asked, as texts that a page can show, whatever door it came by."""

import json
from typing import Any, Final

MAX_SHOWN: Final = 200_000  # characters of one text; the API answers all of it


def prompt_texts(prompt: Any) -> list[tuple[str, str]]:
    """Return who said what. Nothing of it is markup: a template escapes it."""
    if isinstance(prompt, list) and all(isinstance(one, dict) for one in prompt):
        return [(str(one.get("role", "message")), _text(one.get("content"))) for one in prompt]
    return [("prompt", _text(prompt))]


def _text(content: Any) -> str:
    text = content if isinstance(content, str) else _as_json(content)
    if len(text) > MAX_SHOWN:
        return f"{text[:MAX_SHOWN]}\n… and {len(text) - MAX_SHOWN:,} characters more"
    return text


def _as_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
