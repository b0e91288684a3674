"""A page of things, as OpenAI's protocol writes it."""

from typing import Any


def page_form(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return the page; whoever wants the next asks for what is `after` the last id."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }
