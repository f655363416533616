"""The embedded PostgreSQL: one cluster below `<data>/pg`, TCP on loopback, password always."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg

from deploy.embedded.binaries import account, postgres_bin, with_passage
from deploy.embedded.membership import wait_for
from deploy.embedded.server import Child
from deploy.embedded.services import HOST, EmbeddedError, Services

_THROW_AWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresServer:
    """`start` and `stop` one server; the cluster is created on first use."""

    name = "PostgreSQL"

    def __init__(self, data: Path, *, durable: bool) -> None:
        self._folder = data / "pg"
        self._cluster = self._folder / "data"
        self._durable = durable
        self._runner = account()
        self._child: Child | None = None

    def start(self, services: Services) -> None:
        """Start and wait until it takes our password; raises PortTaken or EmbeddedError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._runner = with_passage(self._folder, self._runner)
        self._runner.own(self._folder)
        programs = postgres_bin(self._folder, self._runner)
        if not self._cluster.exists():
            self._create_cluster(programs, services)
        self._clear_stale_pid_file()
        self._end_orphans()
        self._child = Child(
            self._command(programs, services.postgres_port),
            log=self._folder / "postgres.log",
            stop_signal=signal.SIGINT,  # fast shutdown
            cwd=self._folder,
            prepare=self._runner.prepare,
            **self._runner.popen_arguments(),
        )
        self._child.wait_ready(lambda: _answers(services))
        _create_database(services)

    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def _command(self, programs: Path, port: int) -> list[str]:
        options = [f"listen_addresses={HOST}", f"port={port}", "unix_socket_directories="]
        options += ["max_connections=200", "timezone=UTC"]
        options += [] if self._durable else _THROW_AWAY
        command = [str(programs / "postgres"), "-D", str(self._cluster)]
        return command + [part for option in options for part in ("-c", option)]

    def _create_cluster(self, programs: Path, services: Services) -> None:
        """initdb into a scratch folder, then rename: killed midway it leaves nothing half-made."""
        for leftover in self._folder.glob(".initdb-*"):
            shutil.rmtree(leftover)
        scratch = self._folder / f".initdb-{os.getpid()}"
        scratch.mkdir(mode=0o700)
        password_file = scratch / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(services.password)
        self._runner.own_tree(scratch)
        command = [str(programs / "initdb"), "-U", services.user, "-D", str(scratch / "data")]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        # The built-in C.UTF-8 needs no locale of the machine's.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += [] if self._durable else ["--no-sync"]
        result = subprocess.run(
            command,
            cwd=scratch,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=self._runner.prepare,
            **self._runner.popen_arguments(),
        )
        if result.returncode != 0:
            shutil.rmtree(scratch, ignore_errors=True)
            words = (result.stderr or result.stdout).strip().splitlines()
            raise EmbeddedError(f"initdb failed: {words[-1] if words else result.returncode}")
        (scratch / "data").rename(self._cluster)
        shutil.rmtree(scratch)

    def _clear_stale_pid_file(self) -> None:
        """Make way for a start after kill -9.

        We own the folder (the holder's lock says so), so a live server on it is an orphan that
        is stopped, and any other process named in the file, a zombie included, is a stranger
        that happens to have the number.
        """
        pid_file = self._cluster / "postmaster.pid"
        pid = _pid_in(pid_file)
        if pid is None or not Path("/proc/self").exists():
            return
        if _is_server_of(pid, self._cluster):
            os.kill(pid, signal.SIGINT)
            if not wait_for(lambda: not _is_server_of(pid, self._cluster), 20.0):
                os.kill(pid, signal.SIGQUIT)
                wait_for(lambda: not _is_server_of(pid, self._cluster), 10.0)
        pid_file.unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """Backends whose server was killed: deep in their work they do not notice, and hold the
        shared memory without which no other server may start."""
        for pid in _backends_in(self._cluster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: not _backends_in(self._cluster), 10.0)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Whether `pid` is a live postgres on `cluster`; a zombie's command line is empty."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"/postgres") and os.fsencode(cluster) in words


def _backends_in(cluster: Path) -> list[int]:
    """Live processes of a PostgreSQL whose working directory is `cluster`, as a backend's is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_backend = (process / "cmdline").read_bytes().startswith(b"postgres: ")
            if is_backend and (process / "cwd").readlink() == cluster:
                found.append(int(process.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def _connect(services: Services, database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        services.database_url(database).replace("postgres://", "postgresql://"),
        connect_timeout=3,
        autocommit=True,
    )


def _answers(services: Services) -> bool:
    try:
        _connect(services, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(services: Services) -> None:
    with _connect(services, "postgres") as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [services.database]
        ).fetchone()
        if known is None:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {}").format(
                    psycopg.sql.Identifier(services.database)
                )
            )
