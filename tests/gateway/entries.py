"""Entries of the ledger for tests."""

from typing import Any

from aiplatform.request_ids import new_request_id
from inference.gateway.entry import Entry


def entry(**fields: Any) -> Entry:
    """Return a completed entry that nobody in particular asked for."""
    defaults = {"door": "completions", "status": "completed", "username": "ada"}
    return Entry(id=new_request_id(), **{**defaults, **fields})
