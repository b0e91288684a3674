"""The body of an upload, multipart or JSON, read into memory: nothing is ever put on a disk."""

import io
import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import UnsupportedMediaType

from aiplatform.errors import ApiError
from aiplatform.json_media import decode
from inference.api.data_urls import data_url_content, image_too_large

FILE: Final = "file"  # of a multipart body
IMAGE: Final = "image"  # of a JSON body: a data URL
NUMBERS: Final = frozenset({"top_k", "max_length"})
TRUTHS: Final = frozenset({"async"})
MAX_FILENAME: Final = 255
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True)
class Upload:
    """A file as it came, and the fields beside it, not validated yet."""

    content: bytes = field(repr=False)
    filename: str = ""  # as the caller named it: text, and never a path
    fields: dict[str, Any] = field(default_factory=dict)


def read_upload(request: HttpRequest) -> Upload:
    """Return what the body holds. Takes time in proportion to it: call it in a thread.

    Raises ApiError that names the field, or an APIException of DRF.
    """
    if request.content_type == "multipart/form-data":
        upload = _of_form(request)
    elif request.content_type == "application/json":
        upload = _of_json(request.body)
    else:
        raise UnsupportedMediaType(str(request.content_type)[:100])
    if len(upload.content) > settings.MAX_IMAGE_BYTES:
        raise image_too_large(FILE)
    return upload


def _of_form(request: HttpRequest) -> Upload:
    body = io.BytesIO(request.body)
    try:
        fields, files = MultiPartParser(request.META, body, [_InMemory()], "utf-8").parse()
    except RequestDataTooBig as error:
        raise image_too_large(FILE) from error
    except (MultiPartParserError, SuspiciousOperation, ValueError) as error:
        raise ApiError(400, "invalid_request", "The body is no valid multipart form.") from error
    if others := sorted(set(files) - {FILE}):
        _missing(others[0][:100], f"There is no such part. The image is called {FILE}.")
    if len(files.getlist(FILE)) != 1:
        _missing(FILE, "Send one image as a part of this name, with a filename.")
    (file,) = files.getlist(FILE)
    values = {name[:100]: _plain(name, str(fields[name])) for name in fields}
    return Upload(file.read(), str(file.name or ""), values)


def _of_json(body: bytes) -> Upload:
    read = decode(body)
    if not isinstance(read, dict):
        raise ApiError(400, "invalid_request", "The body is a JSON object.")
    image, filename = read.pop(IMAGE, None), read.pop("filename", "")
    if not isinstance(image, str):
        _missing(IMAGE, "Give a data URL: data:image/png;base64,…")
    if not isinstance(filename, str) or len(filename) > MAX_FILENAME:
        detail = f"filename: Give a text of at most {MAX_FILENAME} characters."
        raise ApiError(400, "invalid_request", detail, param="filename")
    return Upload(data_url_content(image, IMAGE), filename, read)


def _plain(name: str, value: str) -> Any:
    """Return a form's text as JSON would have it: numbers as numbers, an empty one as none."""
    if name in TRUTHS and value in ("true", "false"):
        return value == "true"
    number = name in NUMBERS and _WHOLE_NUMBER.fullmatch(value)
    return int(value) if number else value or None


def _missing(name: str, remedy: str) -> NoReturn:
    raise ApiError(400, "invalid_request", f"{name}: {remedy}", param=name)


class _InMemory(FileUploadHandler):
    """Keeps the one file that is asked for, up to its bound; Django's own handlers use a disk."""

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        self._content = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._content += raw_data
        if len(self._content) > settings.MAX_IMAGE_BYTES:
            raise RequestDataTooBig

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        return SimpleUploadedFile(self.file_name or "", bytes(self._content))
