from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "inference.jobs.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        """Listen for what happens."""
        from inference.jobs.webhooks import subscription  # noqa: F401  # imported for its hooks
