from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "inference.jobs"

    def ready(self) -> None:
        from inference.jobs import outcomes  # noqa: F401  # listens to what Celery says
