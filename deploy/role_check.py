"""A warning where the processes share one login, so that only the triggers guard evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from deploy.roles import URLS, Role


def shared_logins(**_: Any) -> Sequence[CheckMessage]:
    """Every role that connects as somebody who may do more."""
    users = {role: login.user for role, login in settings.DATABASE_LOGINS.items()}
    found = []
    if users[Role.APP] == users[Role.OWNER]:
        found.append(
            Warning(
                "Every process connects to the database as its owner, who may take the "
                "protection off evidence.",
                hint=f"Give {URLS[Role.APP]} a login of its own, the owner's in "
                f"{URLS[Role.OWNER]}, and run `manage.py grant_roles`.",
                id="deploy.W001",
            )
        )
    elif users[Role.BENCH] == users[Role.APP]:
        found.append(
            Warning(
                "Benches connect to the database with the rights of the web application.",
                hint=f"Give them a login of their own in {URLS[Role.BENCH]}, and run "
                "`manage.py grant_roles`.",
                id="deploy.W002",
            )
        )
    return found
