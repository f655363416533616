"""The shop on servers given by URL: `make external`, about two minutes.

A PostgreSQL older than the embedded one, so that nothing relies on what only the newer can do,
and the machine's redis-server, started privately: a cluster and a folder of their own, on free
ports, as an unprivileged user.  A service that a package started by itself does not matter.

There an owner who is no superuser migrates and grants, the tests that rest on the servers' own
rules pass, and the demo plays its whole story, each process under its own role.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from deploy.embedded.binaries import Account, account
from deploy.embedded.server import Child
from deploy.embedded.services import HOST, free_port

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
EMBEDDED_MAJOR = 18  # what the wheel brings; only an older one shows what only it can do
DATABASE = "shop"
LOGINS = ("shop_owner", "shop_app", "shop_bench")
# What the servers themselves decide: triggers, rights, locks, isolation, claims, chunks, queues.
TESTS = (
    "tests/deploy/test_logins.py",
    "tests/deploy/test_roles.py",
    "tests/faults/test_tampering.py",
    "tests/faults/test_tampered_audit.py",
    "tests/faults/test_tampered_figures.py",
    "tests/faults/test_tampered_packs.py",
    "tests/shop/equipment/test_leases.py",
    "tests/shop/jobs/test_claims.py",
    "tests/shop/packs/test_seals.py",
    "tests/shop/packs/test_services.py",
    "tests/shop/readings/test_store_chunk.py",
    "tests/shop/test_append_only.py",
    "tests/api/rest/test_idempotency.py",
)


class Missing(Exception):
    """What this machine lacks, and how to get it."""


@dataclass(frozen=True)
class Servers:
    postgres_port: int
    redis_port: int
    password: str

    def database_url(self, user: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{self.password}@{HOST}:{self.postgres_port}/{database}"

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.redis_port}/0"


def main() -> int:
    try:
        with _folder() as folder, _servers(folder) as servers:
            _say(f"PostgreSQL {_version(servers)}, Redis {_redis_version(servers)}")
            _prepare(servers)
            return 0 if all(_passes(*step) for step in _steps(servers, folder)) else 1
    except Missing as missing:
        _say(str(missing))
        return 1


def _steps(servers: Servers, folder: Path) -> list[tuple[str, list[str], Mapping[str, str]]]:
    """(what, command, environment) in order."""
    owner, app, bench = (servers.database_url(login) for login in LOGINS)
    shop = {
        "DATABASE_URL": app,
        "DATABASE_OWNER_URL": owner,
        "DATABASE_BENCH_URL": bench,
        "REDIS_URL": servers.redis_url,
        "CELLSHOP_DATA": str(folder / "data"),
    }
    # Who makes and drops the tests' databases, and plays the thief with a superuser's password.
    tests = shop | {"DATABASE_OWNER_URL": servers.database_url("postgres")}
    manage = [PYTHON, "manage.py"]
    return [
        ("the owner migrates", [*manage, "migrate", "--verbosity", "0"], shop),
        ("the owner grants", [*manage, "grant_roles"], shop),
        ("no login is shared", [*manage, "check", "--fail-level", "WARNING"], shop),
        (
            "the tests of the servers' rules",
            [PYTHON, "-m", "pytest", "-q", "-n", "2", *TESTS],
            tests,
        ),
        ("the story of the demo", [*manage, "demo", "--once", "--port", str(free_port())], shop),
        ("all evidence verifies", [*manage, "verify"], shop),
    ]


def _passes(what: str, command: list[str], environment: Mapping[str, str]) -> bool:
    _say(f"── external: {what}")
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    result = subprocess.run(command, cwd=ROOT, env={**known, **environment}, check=False)
    if result.returncode:
        _say(f"FAILED: external: {what} (exit {result.returncode})")
    return result.returncode == 0


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cellshop-external-", ignore_cleanup_errors=True) as at:
        os.chmod(at, 0o711)  # the servers run as another user, who must pass  # noqa: S103
        yield Path(at)


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    servers = Servers(free_port(), free_port(), secrets.token_urlsafe(16))
    runner = account()
    children = []
    try:
        children.append(_redis(folder / "redis", servers, runner))
        children.append(_postgres(folder / "pg", servers, runner))
        yield servers
    finally:
        for child in reversed(children):
            child.stop()


def _postgres(folder: Path, servers: Servers, runner: Account) -> Child:
    programs = _postgres_programs()
    _own_folder(folder, runner)
    password = folder / "password"
    password.write_text(servers.password)
    runner.own(password)
    cluster = folder / "data"
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        [programs / "initdb", "-D", cluster, "-U", "postgres", f"--pwfile={password}", *options],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        **runner.popen_arguments(),
    )
    options = [f"listen_addresses={HOST}", f"port={servers.postgres_port}", "fsync=off"]
    options += ["unix_socket_directories=", "max_connections=200"]
    child = Child(
        [str(programs / "postgres"), "-D", str(cluster)] + [f"--{option}" for option in options],
        log=folder / "log",
        stop_signal=signal.SIGINT,
        cwd=folder,
        **runner.popen_arguments(),
    )
    child.wait_ready(lambda: _answers(servers))
    return child


def _postgres_programs() -> Path:
    """The folder of the oldest PostgreSQL that Debian's packages have put here."""
    found = {int(path.name): path for path in Path("/usr/lib/postgresql").glob("[0-9]*")}
    older = [number for number in found if number < EMBEDDED_MAJOR]
    if not older:
        raise Missing(
            f"no PostgreSQL older than {EMBEDDED_MAJOR} below /usr/lib/postgresql: "
            "apt-get install postgresql"
        )
    return found[min(older)] / "bin"


def _redis(folder: Path, servers: Servers, runner: Account) -> Child:
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("no redis-server on PATH: apt-get install redis-server")
    _own_folder(folder, runner)
    lines = [f"port {servers.redis_port}", f"bind {HOST}", f"requirepass {servers.password}"]
    child = Child(
        [program, "-"],  # its configuration by stdin: no password in `ps`
        log=folder / "log",
        stop_signal=signal.SIGTERM,
        stdin="\n".join([*lines, 'save ""', "appendonly yes", "maxmemory-policy noeviction", ""]),
        cwd=folder,
        **runner.popen_arguments(),
    )
    child.wait_ready(lambda: bool(_redis_version(servers)))
    return child


def _own_folder(folder: Path, runner: Account) -> None:
    folder.mkdir(mode=0o700)
    runner.own(folder)


def _prepare(servers: Servers) -> None:
    """A database, owned by somebody who may make roles and is no superuser; as README says."""
    with psycopg.connect(servers.database_url("postgres", "postgres"), autocommit=True) as server:
        owner = psycopg.sql.Identifier(LOGINS[0])
        password = psycopg.sql.Literal(servers.password)
        server.execute(
            psycopg.sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}").format(owner, password)
        )
        server.execute(
            psycopg.sql.SQL("CREATE DATABASE {} OWNER {}").format(
                psycopg.sql.Identifier(DATABASE), owner
            )
        )


def _answers(servers: Servers) -> bool:
    try:
        return bool(_version(servers))
    except psycopg.OperationalError:
        return False


def _version(servers: Servers) -> str:
    url = servers.database_url("postgres", "postgres")
    with psycopg.connect(url, connect_timeout=3) as server:
        row = server.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else ""


def _redis_version(servers: Servers) -> str:
    """Empty while it does not answer."""
    with redis.Redis.from_url(servers.redis_url, socket_timeout=1.0) as client:
        try:
            told: dict[str, str] = client.info("server")
        except redis.RedisError:
            return ""
    return told["redis_version"]


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
