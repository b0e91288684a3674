"""The runner's log: one JSON object a line on standard error."""

import json
import sys
import time
from typing import TextIO


class Log:
    """Writes events that carry the model's name; whoever reads them needs no parser of prose."""

    def __init__(self, model: str, stream: TextIO | None = None) -> None:
        self._model = model
        self._stream = stream

    def event(self, event: str, **fields: object) -> None:
        record = {"time": round(time.time(), 3), "event": event, "model": self._model, **fields}
        # One write a line: lines of the loop thread and the socket thread never mix.
        stream = self._stream or sys.stderr
        stream.write(json.dumps(record, default=str) + "\n")
        stream.flush()
