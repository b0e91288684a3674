"""Checking the file of a batch, and making its lines."""

from collections.abc import Iterator
from typing import Final

from django.db.models.functions import Now

from inference.jobs.batches.ending import batch_end
from inference.jobs.batches.input import MAX_ERRORS, Line, LineError, file_lines
from inference.jobs.batches.lines import CHUNK_ROWS, content_path, lines_make
from inference.jobs.batches.turns import Turn
from inference.jobs.models import Batch, BatchStatus
from inference.jobs.wakening import worker_wake

_RENEW_EVERY: Final = 1_000  # lines


def batch_validate(turn: Turn) -> None:
    """Begin the batch, or end it where its file is wrong. Raises OSError and TurnLost.

    The whole file is read before the first line is made. Whoever comes after one who was killed
    here reads it again; lines that are there already stay.
    """
    errors = _faults(turn)
    if errors:
        batch_end(turn, BatchStatus.FAILED, errors=[error.form() for error in errors])
        return
    total = _make_lines(turn)
    begun = turn.held.filter(status=BatchStatus.VALIDATING).update(
        status=BatchStatus.IN_PROGRESS, in_progress_at=Now(), total=total
    )
    if begun:
        worker_wake()


def _faults(turn: Turn) -> list[LineError]:
    errors = list[LineError]()
    for count, found in enumerate(_read(turn.batch)):
        if isinstance(found, LineError):
            errors.append(found)
        if len(errors) == MAX_ERRORS:
            break
        if count % _RENEW_EVERY == 0:
            turn.renew()
    return errors


def _make_lines(turn: Turn) -> int:
    total, chunk = 0, list[Line]()
    for line in _read(turn.batch):
        assert isinstance(line, Line)  # the file was read once, and nobody changes it
        chunk.append(line)
        total += 1
        if len(chunk) == CHUNK_ROWS:
            lines_make(batch=turn.batch, lines=chunk)
            chunk = []
            turn.renew()
    lines_make(batch=turn.batch, lines=chunk)
    return total


def _read(batch: Batch) -> Iterator[Line | LineError]:
    return file_lines(content_path(batch.input_file_id), batch.endpoint)
