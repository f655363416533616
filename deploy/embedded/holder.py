"""The process that owns the embedded servers: `python -m deploy.embedded.holder <data>`.

Started by the first process that joins, in a session of its own.  It starts the servers that
are wanted and restarts one that died, and stops them and leaves when nobody holds `users.lock`
any more (or on SIGTERM).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from deploy.embedded import locks, services
from deploy.embedded.membership import wait_for
from deploy.embedded.postgres import PostgresServer
from deploy.embedded.redis import RedisServer
from deploy.embedded.server import PortTaken

POLL_S = 0.25
OWN_PORT_ATTEMPTS = 5


class Holder:
    """Owns the servers of one data folder; `lock` is where it says which of them answer."""

    def __init__(self, data: Path, lock: int, *, durable: bool) -> None:
        self._data = data
        self._lock = lock
        self._servers: dict[str, PostgresServer | RedisServer] = {
            services.Server.POSTGRES: PostgresServer(data, durable=durable),
            services.Server.REDIS: RedisServer(data, durable=durable),
        }

    def start_missing(self) -> None:
        """Start what is wanted and does not run."""
        wanted = locks.wanted(self._data) & {*self._servers}
        missing = [name for name in sorted(wanted) if not self._servers[name].is_alive()]
        for name in missing:
            self._start(self._servers[name])
        if missing:
            locks.publish(self._lock, wanted)

    def stop(self) -> None:
        for server in reversed(self._servers.values()):
            server.stop()

    def _start(self, server: PostgresServer | RedisServer) -> None:
        """Start `server`, on another port where somebody else has taken its own for good.

        A predecessor killed a moment ago may hold the port until it has ended.
        """
        for attempt in range(OWN_PORT_ATTEMPTS + 5):
            address = services.read(self._data)
            if attempt >= OWN_PORT_ATTEMPTS:
                address = _on_another_port(server, address)
            try:
                server.start(address)
            except PortTaken as taken:
                _say(f"{server.name}: {taken}")
                threading.Event().wait(0.2)
                continue
            services.replace(self._data, address)
            _say(f"{server.name} answers")
            return
        raise services.EmbeddedError(f"{server.name} found no free port on {services.HOST}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Own the embedded PostgreSQL and Redis.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--throw-away", action="store_true", help="never wait for the disk")
    arguments = parser.parse_args()
    data: Path = arguments.data.resolve()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    own = locks.open_lock(data / "holder.lock")
    if not wait_for(lambda: locks.try_exclusive(own), 2.0):
        return 0  # somebody else is the holder
    os.ftruncate(own, 0)
    holder = Holder(data, own, durable=not arguments.throw_away)
    try:
        holder.start_missing()
        _hold(holder, data, stopping)
    except services.EmbeddedError as error:
        _say(str(error))
        return 1
    finally:
        os.ftruncate(own, 0)
        holder.stop()
        (data / "wanted").unlink(missing_ok=True)
        _say("stopped")
    return 0


def _hold(holder: Holder, data: Path, stopping: threading.Event) -> None:
    """Return when the last user has gone; `users.lock` then stays ours until we end."""
    users = locks.open_lock(data / "users.lock")
    while not stopping.wait(POLL_S):
        if not data.exists() or locks.try_exclusive(users):
            return
        holder.start_missing()


def _on_another_port(
    server: PostgresServer | RedisServer, address: services.Services
) -> services.Services:
    port = services.free_port()
    if isinstance(server, PostgresServer):
        return replace(address, postgres_port=port)
    return replace(address, redis_port=port)


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
