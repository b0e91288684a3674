"""Django's `collectstatic`, which looks at what is in a file and not at how old it is.

Django's keeps a copy that is younger than its source. The files of a release are as old as the
release: one that was made before the last one was installed would change nothing.
"""

from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic


class Command(collectstatic.Command):
    """Copies what differs, so that what does not keeps its time, which browsers know it by."""

    def delete_file(self, path: str, prefixed_path: str, source_storage: Any) -> bool:
        """Return whether the file is to be copied, having deleted the copy that is in its way."""
        if not self.storage.exists(prefixed_path):
            return True
        with source_storage.open(path) as source, self.storage.open(prefixed_path) as copy:
            differs: bool = source.read() != copy.read()
        if differs and not self.dry_run:
            self.storage.delete(prefixed_path)
        return differs
