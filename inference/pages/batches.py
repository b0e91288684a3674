"""The pages of one's batches: a list, each as its lines end, its files, and cancelling it."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from accounts.pages.page import page
from accounts.principal import Principal
from inference.api.openai.batches.form import PREFIX, batch_of
from inference.jobs.batches.selectors import Counts, batch_counts, batches_page
from inference.jobs.batches.services import CANCELLABLE, batch_cancel
from inference.jobs.files.selectors import files_find
from inference.jobs.models import Batch, File
from inference.jobs.public_ids import id_of

ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class ShownBatch:
    """A batch and how far it is."""

    row: Batch
    counts: Counts

    @property
    def ended(self) -> int:
        """How many lines are over, well or not."""
        return self.counts.completed + self.counts.failed

    @property
    def state(self) -> str:
        """The status in words."""
        return self.row.status.replace("_", " ")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One of the files of a batch, or None where it is gone."""

    role: str
    file: File | None


def batches_shown(batches: list[Batch]) -> list[ShownBatch]:
    """Return each with its counts; one query counts the lines of all."""
    counts = batch_counts(batches)
    return [ShownBatch(batch, counts[batch.id]) for batch in batches]


@page("GET")
def batch_list(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One page of one's batches, newest first."""
    before = id_of(PREFIX, request.GET.get("before", ""))
    rows, more = batches_page(user_id=principal.user_id, after=before, limit=ROWS)
    context = {
        "batches": batches_shown(rows),
        "following": rows[-1].public_id if more else None,
        "is_first": before is None,
    }
    return render(request, "account/batches.html", context)


@page("GET")
def batch_detail(request: HttpRequest, principal: Principal, batch_id: str) -> HttpResponseBase:
    """One batch, how far it is, and its files."""
    batch = batch_of(principal, batch_id)
    (shown,) = batches_shown([batch])
    context = {
        "batch": batch,
        "shown": shown,
        "files": _files(batch),
        "can_cancel": batch.status in CANCELLABLE,
    }
    return render(request, "account/batch.html", context)


@page("POST")
def batch_end(request: HttpRequest, principal: Principal, batch_id: str) -> HttpResponseBase:
    """Begin no more lines of a batch."""
    batch = batch_of(principal, batch_id)
    if batch_cancel(batch=batch):
        messages.success(request, "No more lines begin. What is done by then is delivered.")
    else:
        messages.error(request, "The batch had ended already, or was about to.")
    return redirect(f"/account/batches/{batch.public_id}")


def _files(batch: Batch) -> list[NamedFile]:
    named: dict[str, Any] = {
        "Requests": batch.input_file_id,
        "Answers": batch.output_file_id,
        "Errors": batch.error_file_id,
    }
    wanted = {role: file_id for role, file_id in named.items() if file_id}
    found = files_find(file_ids=list(wanted.values()), user_id=batch.user_id)
    return [NamedFile(role, found.get(file_id)) for role, file_id in wanted.items()]
