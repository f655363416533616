"""The embedded Redis: loopback, password, append-only file below `<data>/redis`.

Only a wake-up service: PostgreSQL holds every fact, so commands of Redis 6.2 suffice.
"""

from __future__ import annotations

import signal
from pathlib import Path

import redis

from deploy.embedded.binaries import redis_program
from deploy.embedded.server import Child
from deploy.embedded.services import HOST, Services


class RedisServer:
    """`start` and `stop` one server."""

    name = "Redis"

    def __init__(self, data: Path, *, durable: bool) -> None:
        self._folder = data / "redis"
        self._durable = durable
        self._child: Child | None = None

    def start(self, services: Services) -> None:
        """Start and wait until it takes our password; raises PortTaken or EmbeddedError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._child = Child(
            [str(redis_program()), "-"],  # its configuration by stdin: no password in `ps`
            log=self._folder / "redis.log",
            stop_signal=signal.SIGTERM,
            stdin=self._configuration(services),
            cwd=self._folder,
        )
        self._child.wait_ready(lambda: _answers(services))

    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def _configuration(self, services: Services) -> str:
        lines = [
            f"port {services.redis_port}",
            f"bind {HOST}",
            f"requirepass {services.password}",
            "databases 64",
            "maxmemory-policy noeviction",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
        ]
        return "\n".join(lines) + "\n"


def _answers(services: Services) -> bool:
    client = redis.Redis.from_url(
        services.redis_url(), socket_connect_timeout=1, socket_timeout=0.5
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
