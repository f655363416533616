"""`manage.py verify`: is all evidence what it was?  Exit code 0 only when nothing was found."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from shop.refusals import Refusal
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk


class Command(BaseCommand):
    help = "Decode every reading, follow every chain, check every signature; name what is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--show", type=int, default=20, help="faults to print (default 20)")

    def handle(self, *args: Any, show: int, **options: Any) -> None:
        try:
            walk = Walk(
                {
                    purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
                    for purpose in SigningKey.Purpose.values
                }
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        number = 0
        with transaction.atomic():  # holds the server's cursors
            for number, fault in enumerate(walk.faults(), start=1):
                if number == 1:
                    self.stdout.write(f"first bad record: {fault}")
                elif number <= show:
                    self.stdout.write(str(fault))
        if number > show:
            self.stdout.write(f"and {number - show} more")
        self.stdout.write(", ".join(f"{count} {what}" for what, count in walk.seen.items()))
        if number:
            raise CommandError(f"{number} fault{'s' if number > 1 else ''} found")
        self.stdout.write("all of it is what it was")
