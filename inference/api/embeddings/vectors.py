"""Vectors as bytes and as the numbers or texts that JSON carries."""

from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from inference.engine.wire import Output, Vector

FLOAT_BYTES: Final = 4


def written(outputs: Sequence[Output], encoding: str) -> list[list[float] | str]:
    """Return each vector in the encoding that was asked for."""
    vectors = [output.values for output in outputs if isinstance(output, Vector)]
    if encoding == "base64":
        return [b64encode(values).decode() for values in vectors]
    return [array("f", values).tolist() for values in vectors]
