from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "inference.jobs.webhooks"
    label = "webhooks"
