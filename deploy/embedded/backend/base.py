"""`ENGINE = "deploy.embedded.backend"`: settings may be read without starting a server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base

from deploy.embedded import EmbeddedError, join


class DatabaseWrapper(base.DatabaseWrapper):
    """Joins the embedded servers before it connects, and takes their present address."""

    def get_connection_params(self) -> dict[str, Any]:
        try:
            services = join(
                settings.CELLSHOP_DATA, needs=settings.EMBEDDED, durable=settings.CELLSHOP_DURABLE
            )
        except EmbeddedError as error:  # for those who wait until a database is back
            raise OperationalError(str(error)) from error
        self.settings_dict["PORT"] = services.postgres_port
        return super().get_connection_params()
