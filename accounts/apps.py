from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Tell drf-spectacular how callers authenticate; it registers what it has seen defined."""
        from accounts import schema  # noqa: F401  # importing it is what registers it
