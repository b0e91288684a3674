"""Lists of the admin that refuse a lookup which nothing can answer, as Django refuses others."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.http import HttpRequest


class RefusingChangeList(ChangeList):
    """A list whose rows could not be asked for goes back to all of them, with `?e=1`.

    Django looks for bad lookups while it builds the query. That a year is 0 or 10000 shows only
    when the query is turned into SQL, and what the database cannot compare when it runs.
    """

    def get_results(self, request: HttpRequest) -> None:
        """Read the page's rows. Raises IncorrectLookupParameters."""
        try:
            super().get_results(request)
        except (ValueError, OverflowError, DataError) as refused:
            raise IncorrectLookupParameters(refused) from refused


class RefusesBadLookups:
    """Gives a page of the admin such a list. Stands before ModelAdmin."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RefusingChangeList
