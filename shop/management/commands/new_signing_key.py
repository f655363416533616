"""`manage.py new_signing_key <purpose> <old key id> <why>`: after a loss, or once in a while."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop import clock
from shop.audit.services import replace_key
from shop.refusals import Refusal
from shop.signing.models import SigningKey


class Command(BaseCommand):
    help = "Retire a signing key of this host and make another; what it signed stays good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("purpose", choices=SigningKey.Purpose.values)
        parser.add_argument("retired", help="id of the key that is retired, as in its .pub file")
        parser.add_argument("why", help="for those who verify later")

    def handle(self, *args: Any, purpose: str, retired: str, why: str, **options: Any) -> None:
        try:
            key = replace_key(
                SigningKey.Purpose(purpose),
                retired_key_id=retired,
                words=why,
                operator=getpass.getuser(),
                now=clock.now(),
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{purpose} are signed with key {key.key_id} from now on")
