"""What the admin's pages of jobs, batches and files share."""

from django.contrib import admin

from aiplatform.admin_lists import RefusesBadLookups
from inference.gateway.admin import CappedPaginator, ReadOnly


class ReadPage(ReadOnly, RefusesBadLookups, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Rows to read, newest first, of a table that may be large."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator
