"""`manage.py changepassword`: Django's own, named in the audit trail."""

from django.contrib.auth.management.commands import changepassword

from accounts.management.acting_command import ActingCommand


class Command(ActingCommand, changepassword.Command):
    pass
