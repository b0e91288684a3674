from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, and with drf-spectacular how callers authenticate."""
        from accounts import checks, schema  # noqa: F401  # importing them is what registers
        from accounts.audit import audit_deletions

        audit_deletions()
