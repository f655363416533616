"""`manage.py uplink <slug>`: the uplink process of one bench, until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from shop.equipment.benches import bench_folder
from shop.equipment.models import Station
from shop.readings.uplink import Uplink
from stations.clock import guard_s


class Command(BaseCommand):
    help = "Carry one bench's journal to the database, and the shop's wishes to its guardian."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the station whose bench folder is on this host")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        folder = bench_folder(slug)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "uplink.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise CommandError(f"another uplink of {slug} runs on this host") from error
            self._serve(slug, ended)

    def _serve(self, slug: str, ended: Event) -> None:
        uplink = None
        self.stdout.write(f"ready {slug}")
        while not ended.is_set():
            began_s = guard_s()
            uplink = uplink or self._begin(slug)
            if uplink is not None:
                uplink.tick()
            ended.wait(max(0.0, settings.UPLINK_PERIOD_S - (guard_s() - began_s)))

    def _begin(self, slug: str) -> Uplink | None:
        """The uplink, None while the database is away."""
        try:
            return Uplink(Station.objects.get(slug=slug))
        except Station.DoesNotExist as error:
            raise CommandError(f"no station {slug!r}; register it first") from error
        except DatabaseError as error:
            self.stderr.write(f"waiting for the database: {error}")
            connection.close()
            return None
