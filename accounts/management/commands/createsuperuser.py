"""`manage.py createsuperuser`: Django's own, named in the audit trail."""

from django.contrib.auth.management.commands import createsuperuser

from accounts.management.acting_command import ActingCommand


class Command(ActingCommand, createsuperuser.Command):
    pass
