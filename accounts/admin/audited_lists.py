"""Lists that a row has in tables of their own, which the page of the row writes after it."""

from typing import Any, ClassVar

from django.http import HttpRequest

from accounts.audit import audit_changed
from accounts.audit_fields import listed


class AuditsLists:
    """Has a page audit what it changes of `audited_lists`. Stands before ModelAdmin."""

    audited_lists: ClassVar[tuple[str, ...]] = ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the lists, and whatever else belongs to the row, and audit the lists."""
        before = listed(form.instance, self.audited_lists)
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        audit_changed(form.instance, before, listed(form.instance, self.audited_lists))
