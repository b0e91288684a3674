"""The pages of one's jobs: a list, each job as it runs, and cancelling it."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from accounts.pages.page import page
from accounts.principal import Principal
from inference.api.native.tasks.form import task_form
from inference.api.native.tasks.lookup import job_of
from inference.api.native.tasks.views import progress_of
from inference.jobs.batches.selectors import batches_page
from inference.jobs.models import Job, Status
from inference.jobs.selectors import JobFilter, jobs_page
from inference.jobs.services import job_cancel
from inference.pages.batches import ShownBatch, batches_shown
from inference.pages.prompt_texts import prompt_texts

ROWS: Final = 50
BATCHES: Final = 5  # the newest; their own page lists all


class JobFilterForm(forms.Form):
    """Which jobs."""

    status = forms.ChoiceField(choices=[("", "Any"), *Status.choices], required=False)
    model = forms.CharField(max_length=100, required=False)
    before = forms.UUIDField(required=False)


@page("GET")
def job_list(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One page of the jobs that pass the filter, newest first."""
    form = JobFilterForm(request.GET)
    rows: list[Job] = []
    following = None
    if form.is_valid():
        asked = form.cleaned_data
        wanted = JobFilter(
            user_id=principal.user_id,
            status=asked["status"],
            model_name=asked["model"],
            before=asked["before"],
        )
        rows, following = jobs_page(wanted=wanted, limit=ROWS)
    query = request.GET.copy()
    query.pop("before", None)
    batches, more_batches = _newest_batches(principal)
    context = {
        "form": form,
        "jobs": rows,
        "following": following,
        "query": query.urlencode(),
        "is_first": not request.GET.get("before"),
        "is_filtered": any(query.values()),
        "batches": batches,
        "more_batches": more_batches,
    }
    return render(request, "account/jobs.html", context, status=400 if form.errors else 200)


@page("GET")
def job_detail(request: HttpRequest, principal: Principal, task_id: str) -> HttpResponseBase:
    """One job, with what came of it or how far it is."""
    job = job_of(principal, task_id)
    form = task_form(job, progress_of(job))
    return render(request, "account/job.html", {"job": job, "form": form, "texts": _texts(form)})


@page("POST")
def job_end(request: HttpRequest, principal: Principal, task_id: str) -> HttpResponseBase:
    """Cancel a job."""
    job = job_of(principal, task_id)
    if job_cancel(job=job):
        messages.success(request, "The job is cancelled. What it made until then is charged.")
    else:
        messages.error(request, "The job had ended already.")
    return redirect(f"/account/jobs/{job.id}")


def _newest_batches(principal: Principal) -> tuple[list[ShownBatch], bool]:
    newest, more = batches_page(user_id=principal.user_id, after=None, limit=BATCHES)
    return batches_shown(newest), more


def _texts(form: dict[str, Any]) -> list[str]:
    """Return what was answered: a text a choice, or, where it is none, the answer as JSON."""
    result = form["result"]
    if result is None:
        return []
    choices = result.get("choices") or [result]
    if all("generated_text" in one for one in choices):
        return [str(one["generated_text"]) for one in choices]
    return [text for _, text in prompt_texts(result)]
