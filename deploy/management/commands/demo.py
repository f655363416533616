"""`manage.py demo`: the whole shop on this machine, in one foreground process tree."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from deploy import embedded
from deploy.demo import programs
from deploy.demo.benches import BENCHES, BenchFolder, write_folder
from deploy.demo.lock import DemoLock, FolderHeld, take
from deploy.demo.people import PEOPLE
from deploy.demo.seed import seed
from deploy.embedded.services import free_port
from deploy.supervisor import Supervisor
from deploy.supervisor.voice import Voice
from shop import clock

HOST = "127.0.0.1"
HELD = os.EX_TEMPFAIL  # the exit code where another demo has the data folder


class Command(BaseCommand):
    help = "Start everything with simulated benches, play the main job, and keep serving."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the story")
        parser.add_argument("--no-story", action="store_true", help="only serve")
        parser.add_argument("--port", type=int, default=8000, help="of the web server")

    def handle(self, *args: Any, **options: Any) -> None:
        voice = Voice(width=8)
        data: Path = settings.CELLSHOP_DATA
        lock = _lock(data)
        try:
            voice.say("demo", f"data in {data}")
            if settings.EMBEDDED:
                embedded.join(data, needs=settings.EMBEDDED, durable=settings.CELLSHOP_DURABLE)
            call_command("migrate", verbosity=0, interactive=False)
            call_command("grant_roles", stdout=StringIO())
            passwords = seed(data, now=clock.now())
            connections.close_all()
            folders = [write_folder(bench, data) for bench in BENCHES]
            code = self._supervise(voice, lock, folders, passwords, options)
        except embedded.EmbeddedError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:  # before anything was started
            code = 130
        finally:
            connections.close_all()
            embedded.leave(data)
            lock.release()
        voice.say("demo", "everything has stopped")
        sys.exit(code)

    def _supervise(
        self,
        voice: Voice,
        lock: DemoLock,
        folders: list[BenchFolder],
        passwords: dict[str, str],
        options: dict[str, Any],
    ) -> int:
        port = _port(options["port"])
        url = f"http://{HOST}:{port}"
        story = (
            None if options["no_story"] else programs.story(folders, url=url, passwords=passwords)
        )

        def on_ready() -> None:
            lock.tell(url)
            for line in _welcome(url, folders, passwords):
                voice.say("demo", line)

        supervisor = Supervisor(
            programs.programs(folders, host=HOST, port=port),
            folder=settings.BASE_DIR,
            say=voice.say,
        )
        return asyncio.run(
            supervisor.run(story=story, close_after_story=options["once"], on_ready=on_ready)
        )


def _lock(data: Path) -> DemoLock:
    try:
        return take(data, now=clock.now())
    except FolderHeld as held:
        raise CommandError(str(held), returncode=HELD) from held
    except OSError as error:
        raise CommandError(
            f"cannot write to {data} ({error.strerror}): set CELLSHOP_DATA to a folder of your own"
        ) from error


def _port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return free_port()
    return wanted


def _welcome(url: str, folders: list[BenchFolder], passwords: dict[str, str]) -> list[str]:
    lines = [f"everything runs: {url}"]
    for username in PEOPLE:
        lines.append(f"  log in as {username:<12} password {passwords[username]}")
    for folder in folders:
        lines.append(f"  hands at {folder.bench.slug}: {folder.hands_url}")
    return [*lines, "Ctrl-C stops everything, outputs off"]
