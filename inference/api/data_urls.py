"""Files in JSON: data URLs (RFC 2397) in base64. Nothing is ever fetched from anywhere."""

import base64
import binascii
import re
from typing import Final, NoReturn

from django.conf import settings

from aiplatform.errors import ApiError

_BEGINS: Final = re.compile(r"data:[\w.+/;=-]{0,100},")
_HEAD: Final = 200  # characters


def data_url_content(text: str, param: str) -> bytes:
    """Return the file in a data URL. Raises ApiError that names `param`.

    What type it declares is not believed: the content decides.
    """
    begins = _BEGINS.match(text)
    if begins is None or not begins[0].endswith(";base64,"):
        _refuse(param, "Give a data URL in base64: data:image/png;base64,…")
    if len(text) > settings.MAX_IMAGE_BYTES * 4 // 3 + _HEAD:
        raise image_too_large(param)
    try:
        content = base64.b64decode(text[begins.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        detail = f"{param}: the data URL is no valid base64."
        raise ApiError(400, "invalid_request", detail, param=param) from error
    if len(content) > settings.MAX_IMAGE_BYTES:
        raise image_too_large(param)
    return content


def image_too_large(param: str) -> ApiError:
    """Return the answer to a file of too many bytes."""
    detail = f"The file is over {settings.MAX_IMAGE_BYTES} bytes, the most accepted."
    return ApiError(413, "image_too_large", detail, param=param)


def _refuse(param: str, remedy: str) -> NoReturn:
    raise ApiError(400, "invalid_request", f"{param}: {remedy}", param=param)
