"""A PostgreSQL and a Redis of a test's own, which it may freeze, kill and empty.

The session's servers are shared by every test that runs beside this one.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from celery import Celery, current_app
from django.core.management import call_command
from django.db import connections

from deploy import embedded
from deploy.embedded.postgres import PostgresServer
from deploy.embedded.redis import RedisServer
from deploy.embedded.services import Services
from deploy.grants import grant
from deploy.roles import Role
from tests.wait import wait_until


class OwnRedis:
    """One server; what it holds outlives a kill only where it is `durable`."""

    def __init__(self, data: Path, *, durable: bool) -> None:
        self._services = embedded.plan(data)
        self._server = RedisServer(data, durable=durable)
        self.url = self._services.redis_url()
        self.port = self._services.redis_port
        self.client = redis.Redis.from_url(self.url, socket_timeout=2.0)
        self.start()

    @property
    def pid(self) -> int:
        return int(self.client.info("server")["process_id"])

    def start(self) -> None:
        self._server.start(self._services)

    def kill(self) -> None:
        """kill -9; returns when it is gone, `start` brings an heir."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self._server.is_alive(), what="Redis to be gone")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The kernel still takes connections and bytes; nobody answers."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        self.client.close()
        self._server.stop()


class OwnPostgres:
    """One cluster with the shop's database, migrated; it waits for the disk as in production."""

    def __init__(self, data: Path) -> None:
        self._services = embedded.plan(data)
        self._server = PostgresServer(data, durable=True)
        self._data = data
        self.url = self._services.database_url()
        self.port = self._services.postgres_port
        self.start()

    @property
    def pid(self) -> int:
        return postmaster(self._data)

    @property
    def pids(self) -> list[int]:
        """Of all its processes, the postmaster first, which then makes no more of them."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def start(self) -> None:
        self._server.start(self._services)

    def crash(self) -> None:
        """An immediate shutdown: no checkpoint, every connection cut; the next start recovers."""
        os.kill(self.pid, signal.SIGQUIT)
        wait_until(lambda: not self._server.is_alive(), what="PostgreSQL to be gone")

    @contextmanager
    def frozen(self) -> Iterator[list[int]]:
        """No process of it runs; the kernel still takes connections and bytes."""
        stopped: list[int] = []
        os.kill(self.pid, signal.SIGSTOP)
        try:
            for pid in self.pids:
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            yield stopped
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        self._server.stop()


@contextmanager
def own_folder() -> Iterator[Path]:
    """Short, for sockets live in it, and open to the user that runs root's PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="cellshop-own-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # noqa: S103
        yield Path(folder)


@contextmanager
def own_redis(*, durable: bool = False) -> Iterator[OwnRedis]:
    with own_folder() as folder:
        server = OwnRedis(folder, durable=durable)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Inside, this process's Django works on it, in every thread."""
    with own_folder() as folder:
        server = OwnPostgres(folder)
        try:
            with database_at(server._services):
                call_command("migrate", verbosity=0)
                yield server
        finally:
            server.stop()


@contextmanager
def embedded_postgres() -> Iterator[Path]:
    """The shop's own embedded server with its holder, by data folder; Django works on it."""
    with own_folder() as data:
        services = embedded.join(data, needs={embedded.Server.POSTGRES})
        try:
            with database_at(services):
                call_command("migrate", verbosity=0)
                grant(app=services.login(Role.APP), bench=services.login(Role.BENCH))
                yield data
        finally:
            embedded.leave(data)


def postmaster(data: Path) -> int:
    """Its process id, 0 while there is none."""
    try:
        return int((data / "pg" / "data" / "postmaster.pid").read_text().splitlines()[0])
    except FileNotFoundError:
        return 0


@contextmanager
def database_at(services: Services) -> Iterator[None]:
    """Django's default database is this one until the block ends."""
    known = connections.settings["default"]
    _forget_connections()
    connections.settings["default"] = known | {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": embedded.HOST,
        "PORT": services.postgres_port,
        "NAME": services.database,
        "USER": services.user,
        "PASSWORD": services.password,
    }
    try:
        yield
    finally:
        _forget_connections()
        connections.settings["default"] = known


def _forget_connections() -> None:
    """Of this thread; others of ours have ended by now."""
    connections.close_all()
    del connections["default"]


def broker(url: str) -> Celery:
    """The shop's Celery on another broker than this process's."""
    app = Celery("own", set_as_current=False)
    app.conf.update(
        broker_url=url,
        broker_transport_options=current_app.conf.broker_transport_options,
        task_ignore_result=True,
    )
    return app
