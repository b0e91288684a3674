"""Files in the admin: whose they are and how large, never what is in them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from inference.jobs.admin.page import ReadPage
from inference.jobs.files.services import FileInUse, file_delete
from inference.jobs.models import File


@admin.register(File)
class FileAdmin(ReadPage):
    """One row a file, newest first."""

    list_display = [
        *("public_id", "created_at", "user", "purpose", "filename", "bytes", "expires_at"),
    ]
    list_display_links = ["public_id"]
    list_select_related = ["user"]
    list_filter = ["purpose"]
    search_fields = ["id"]  # shows the box; get_search_results says what is searched
    search_help_text = "A user's name, in full."
    actions = ["remove"]
    fieldsets = [
        (None, {"fields": ["public_id", "user", "purpose", "filename", "bytes"]}),
        ("When", {"fields": ["created_at", "expires_at"]}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[File], search_term: str
    ) -> tuple[QuerySet[File], bool]:
        """Return the files of one user."""
        term = search_term.strip()
        owner = User.objects.filter(username=term).first()
        return (queryset.filter(user=owner) if term else queryset), False

    @admin.action(description="Delete selected files", permissions=["remove"])
    def remove(self, request: HttpRequest, queryset: QuerySet[File]) -> None:
        """Delete those that no batch and no job reads."""
        done = sum(_deleted(file) for file in queryset)
        self.message_user(request, f"{done} files deleted; batches or jobs read the others.")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Return whether the admin may delete files."""
        return request.user.has_perm("jobs.delete_file")


def _deleted(file: File) -> bool:
    try:
        return file_delete(file=file)
    except FileInUse:
        return False
