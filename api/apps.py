"""The HTTP layer as a Django app: it listens for log-ins once everything is loaded."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from api.audit import listen  # models are there now

        listen()
