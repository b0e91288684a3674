from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "inference.gateway"

    def ready(self) -> None:
        """Register what happens at the start and end of a web process."""
        from inference.gateway import lifecycle  # noqa: F401  # imported for its hooks
