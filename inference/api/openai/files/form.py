"""How a file is written, and how one is found by the text of an address."""

from typing import Any, Final

from accounts.principal import Principal
from aiplatform.errors import ApiError
from inference.jobs.files.selectors import file_find
from inference.jobs.models import File
from inference.jobs.public_ids import id_of

PREFIX: Final = "file-"


def file_form(file: File) -> dict[str, Any]:
    """Return the file as OpenAI writes one."""
    return {
        "id": file.public_id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at.timestamp()),
        "expires_at": file.expires_at and int(file.expires_at.timestamp()),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def file_of(principal: Principal, text: str) -> File:
    """Return the file. Raises ApiError, the same for another's as for none at all."""
    file_id = id_of(PREFIX, text)
    file = file_find(file_id=file_id, user_id=principal.user_id) if file_id else None
    if file is None:
        raise ApiError(404, "file_not_found", "There is no such file. GET /v1/files lists yours.")
    return file
