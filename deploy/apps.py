"""Binds the Celery application to this process, so that services may send tasks by name."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.core.checks import register

from deploy.role_check import shared_logins


class DeployConfig(AppConfig):
    name = "deploy"

    def ready(self) -> None:
        import_module("deploy.celery")
        register(shared_logins)
