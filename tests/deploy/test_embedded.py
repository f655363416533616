"""The embedded servers: started once for all, recovered after kill -9, gone with the last user."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import embedded
from deploy.embedded import binaries, locks
from deploy.embedded.services import EmbeddedError, Services
from tests.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
JOIN = """
import sys
from pathlib import Path
from deploy import embedded
services = embedded.join(Path(sys.argv[1]), durable=False)
print(services.database_url(), flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the servers of `data` until it is told to end, or killed."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOIN, str(data)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline()
        return line.strip()

    def end(self, sign: signal.Signals | None = None) -> None:
        if sign is not None:
            self.process.send_signal(sign)
        self.process.communicate()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A folder with a cluster, so that only one test pays for initdb."""
    with tempfile.TemporaryDirectory(prefix="cellshop-embedded-") as folder:
        os.chmod(folder, 0o711)  # noqa: S103
        yield Path(folder)


@pytest.fixture
def data(template: Path) -> Iterator[Path]:
    folder = template / "var"
    yield folder
    embedded.leave(folder)
    wait_until(lambda: locks.holder_state(folder) == "absent", within_s=20)


def ask(services: Services, query: str) -> object:
    with psycopg.connect(
        services.database_url().replace("postgres://", "postgresql://"),
        autocommit=True,
        connect_timeout=3,
    ) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def postmaster(data: Path) -> int:
    return int((data / "pg" / "data" / "postmaster.pid").read_text().splitlines()[0])


def holder(services: Services, data: Path) -> int:
    """The parent of the postmaster."""
    stat = Path(f"/proc/{postmaster(data)}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def test_both_servers_take_our_password_and_no_other(data: Path) -> None:
    services = embedded.join(data, durable=False)

    assert ask(services, "SELECT lower('Łódź Ż')") == "łódź ż"
    assert redis.Redis.from_url(services.redis_url()).ping()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(Services(services.postgres_port, services.redis_port, "guess"), "SELECT 1")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=services.redis_port).ping()


def test_secrets_are_readable_by_their_owner_only(data: Path) -> None:
    embedded.plan(data)

    assert (data / "services.json").stat().st_mode & 0o777 == 0o600


def test_simultaneous_starters_share_one_server(data: Path) -> None:
    users = [User(data) for _ in range(5)]

    urls = {user.url() for user in users}

    assert urls == {embedded.plan(data).database_url()}
    assert (data / "holder.log").read_text().count("PostgreSQL answers") == 1
    for user in users:
        user.end(signal.SIGKILL)


def test_last_user_takes_the_servers_along_even_by_kill_9(data: Path) -> None:
    first, last = User(data), User(data)
    first.url(), last.url()

    first.end()
    assert locks.holder_state(data) == "ready"
    last.end(signal.SIGKILL)

    wait_until(lambda: locks.holder_state(data) == "absent")
    assert not (data / "pg" / "data" / "postmaster.pid").exists()


def test_killed_servers_come_back_with_their_rows(data: Path) -> None:
    services = embedded.join(data)
    with psycopg.connect(
        services.database_url().replace("postgres://", "postgresql://")
    ) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 41 + 1 AS n")
    killed = postmaster(data)

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: answers(services) and postmaster(data) != killed, within_s=20)
    assert ask(services, "SELECT n FROM kept") == 42


def test_a_backend_that_outlives_its_killed_server_is_no_obstacle(data: Path) -> None:
    """Deep in its work it notices nothing, and holds the memory that the next server needs."""
    services = embedded.join(data, durable=False)
    killed = postmaster(data)
    busy = threading.Thread(target=_counts_to_no_end, args=(services,), daemon=True)
    busy.start()
    wait_until(lambda: ask(services, COUNTING) == 1, what="the count to begin")

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: answers(services) and postmaster(data) != killed, within_s=20)
    busy.join(timeout=10)
    assert not busy.is_alive()
    assert locks.holder_state(data, embedded.ALL) == "ready"


COUNTING = """SELECT count(*) FROM pg_stat_activity
 WHERE query LIKE '%2000000000%' AND state = 'active' AND pid <> pg_backend_pid()"""


def _counts_to_no_end(services: Services) -> None:
    with suppress(psycopg.OperationalError):
        ask(services, "SELECT count(*) FROM generate_series(1, 2000000000) AS n WHERE n % 7 = 3")


def test_newcomer_replaces_a_killed_holder(data: Path) -> None:
    services = embedded.join(data, durable=False)
    os.kill(holder(services, data), signal.SIGKILL)
    wait_until(lambda: locks.holder_state(data) == "absent")

    again = embedded.join(data, durable=False)

    assert ask(again, "SELECT 1") == 1
    assert again == services


@pytest.mark.parametrize("needed", embedded.Server)
def test_only_what_is_needed_is_started(data: Path, needed: embedded.Server) -> None:
    services = embedded.join(data, needs={needed}, durable=False)

    other = next(server for server in embedded.Server if server is not needed)
    assert locks.holder_state(data, {needed}) == "ready"
    assert locks.holder_state(data, {other}) == "starting"
    assert listens(services.redis_port) == (needed is embedded.Server.REDIS)
    assert listens(services.postgres_port) == (needed is embedded.Server.POSTGRES)


def test_another_need_is_met_by_the_same_holder(data: Path) -> None:
    services = embedded.join(data, needs={embedded.Server.REDIS}, durable=False)

    again = embedded.join(data, durable=False)

    assert again == services
    assert ask(again, "SELECT 1") == 1
    assert redis.Redis.from_url(again.redis_url()).ping()


@pytest.fixture(params=["init", "ourselves", "zombie"])
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process that is no server; the zombie as in a container whose init reaps nobody."""
    with subprocess.Popen(["/bin/true"]) as process:
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        yield {"init": 1, "ourselves": os.getpid(), "zombie": process.pid}[request.param]


def test_stale_pid_file_naming_a_stranger_is_no_obstacle(data: Path, stranger: int) -> None:
    embedded.join(data, durable=False)
    embedded.leave(data)
    pid_file = data / "pg" / "data" / "postmaster.pid"
    pid_file.write_text(f"{stranger}\n{data}/pg/data\n1700000000\n5432\n\n127.0.0.1\n\nready\n")
    os.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)

    services = embedded.join(data, durable=False)

    assert ask(services, "SELECT 1") == 1


def test_taken_port_is_left_to_its_owner(data: Path) -> None:
    services = embedded.join(data, durable=False)
    embedded.leave(data)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((embedded.HOST, services.redis_port))
        other.listen()

        moved = embedded.join(data, durable=False)

    assert moved.redis_port != services.redis_port
    assert redis.Redis.from_url(moved.redis_url()).ping()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EmbeddedError, match="set CELLSHOP_DATA"):
        embedded.plan(tmp_path / "file" / "var")


def test_closed_folder_is_no_obstacle(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)  # like /root, or what mktemp -d makes

    services = embedded.join(closed / "var", durable=False)

    assert ask(services, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    embedded.leave(closed / "var")


def test_program_in_a_closed_folder_counts_as_executable(tmp_path: Path) -> None:
    """initdb asks access(2) about postgres beside it, which looks at more than capabilities."""
    closed = tmp_path / "venv"
    closed.mkdir(mode=0o700)
    program = closed / "postgres"
    program.touch(mode=0o755)
    runner = binaries.with_passage(program, binaries.account())

    asked = subprocess.run(
        ["/usr/bin/test", "-x", program],
        cwd="/",
        preexec_fn=runner.prepare,
        check=False,
        **runner.popen_arguments(),
    )

    assert asked.returncode == 0


def test_folder_in_the_way_is_named_where_nothing_lets_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "home"
    (closed / "var" / "pg").mkdir(parents=True)
    closed.chmod(0o700)
    monkeypatch.setattr(binaries, "capability", lambda: None)
    stranger = binaries.Account(uid=os.getuid() + 4321, gid=65534)

    with pytest.raises(EmbeddedError, match=r"may not enter .*CELLSHOP_DATA"):
        binaries.with_passage(closed / "var" / "pg", stranger)


def test_programs_that_the_user_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_usable", lambda installed, runner: False)
    me = binaries.Account(uid=os.getuid(), gid=os.getgid())

    copied = binaries.postgres_bin(tmp_path, me)

    assert copied.is_relative_to(tmp_path)
    version = subprocess.run(
        [copied / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert "(PostgreSQL) 18" in version.stdout


def listens(port: int) -> bool:
    try:
        socket.create_connection((embedded.HOST, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def answers(services: Services) -> bool:
    try:
        return ask(services, "SELECT 1") == 1
    except (psycopg.OperationalError, FileNotFoundError):
        return False
