"""`manage.py grant_roles`: what the app's and the benches' logins may do; after every migrate."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from deploy.grants import grant
from deploy.roles import Role


class Command(BaseCommand):
    help = "Make the database roles of web and benches and grant them what they need, no more."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_ROLE != Role.OWNER:
            raise CommandError("only the owner grants: run with DATABASE_ROLE=owner")
        owner, app, bench = (
            settings.DATABASE_LOGINS[role] for role in (Role.OWNER, Role.APP, Role.BENCH)
        )
        if app.user == owner.user:
            self.stdout.write(f"{owner.user} is owner and app at once: nothing to grant")
            return
        try:
            grant(app=app, bench=bench)
        except ProgrammingError as error:
            raise CommandError(
                f"{owner.user} may not do this ({error}): let it create roles with "
                f'`ALTER ROLE "{owner.user}" CREATEROLE`, and let it own the tables'
            ) from error
        self.stdout.write(f"{app.user} and {bench.user} may do what they need")
