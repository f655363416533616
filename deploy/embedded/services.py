"""Where the embedded servers listen and how to log in: `services.json`, mode 0600."""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import socket
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from deploy.roles import Login, Role

HOST = "127.0.0.1"
# Below Linux's ephemeral range (from 32768), so that no outgoing connection takes the port
# between the day it was chosen and the next start.
_PORTS = range(20000, 32000)


class Server(StrEnum):
    """The servers that can be embedded."""

    POSTGRES = "postgres"
    REDIS = "redis"


ALL = frozenset(Server)


class EmbeddedError(Exception):
    """The embedded servers cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses and the one password of the embedded servers of a data folder."""

    postgres_port: int
    redis_port: int
    password: str
    user: str = "cellshop"
    database: str = "cellshop"

    def database_url(self, name: str = "") -> str:
        """URL of database `name`, by default the shop's."""
        return (
            f"postgres://{self.user}:{self.password}@{HOST}:{self.postgres_port}"
            f"/{name or self.database}"
        )

    def login(self, role: Role) -> Login:
        """The owner's, or one whose password follows from the owner's by a one-way function."""
        if role is Role.OWNER:
            return Login(self.user, self.password)
        user = f"{self.user}_{role}"
        return Login(user, hashlib.sha256(f"{user} {self.password}".encode()).hexdigest())

    def redis_url(self, number: int = 0) -> str:
        return f"redis://:{self.password}@{HOST}:{self.redis_port}/{number}"


def plan(data: Path) -> Services:
    """The addresses of `data`, decided once and read ever after; starts nothing."""
    path = data / "services.json"
    if not path.exists():
        _create_folder(data)
        fresh = Services(free_port(), free_port(), secrets.token_urlsafe(24))
        scratch = _write_private(data, fresh)
        try:
            os.link(scratch, path)  # refuses where another process was first
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return read(data)


def read(data: Path) -> Services:
    path = data / "services.json"
    try:
        return Services(**json.loads(path.read_text()))
    except PermissionError:
        raise EmbeddedError(
            f"{path} belongs to another user: run as that user, or set CELLSHOP_DATA to a "
            "folder of your own"
        ) from None
    except (ValueError, TypeError) as error:
        raise EmbeddedError(f"{path} is damaged ({error}): restore it from a backup") from error


def replace(data: Path, services: Services) -> None:
    """Publish changed addresses (a port was taken by somebody else)."""
    _write_private(data, services).replace(data / "services.json")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    for port in random.SystemRandom().sample(_PORTS, k=200):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise EmbeddedError(f"no free TCP port on {HOST} between {_PORTS.start} and {_PORTS.stop}")


def _create_folder(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"cannot create the data folder {data} ({error.strerror}): set CELLSHOP_DATA to a "
            "folder you may write to"
        ) from error


def _write_private(data: Path, services: Services) -> Path:
    scratch = data / f".services-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"cannot write to the data folder {data} ({error.strerror}): set CELLSHOP_DATA to "
            "a folder you may write to"
        ) from error
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(services), file)
        file.flush()
        os.fsync(file.fileno())
    return scratch
