"""The programs of the demo, in the order that keeps benches safe.

Simulated instruments start first and end last; between them and whoever asks for current
stands the guardian, which switches off and proves it before its instruments go.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from deploy.demo.benches import BenchFolder
from deploy.roles import Role
from deploy.supervisor import Program
from shop import pulse
from shop.equipment.benches import deaf_worker_file
from stations import wire

PYTHON = sys.executable
INSTRUMENTS, GUARDIANS, SERVICES, WORKERS = range(4)
# A worker needs one connection, not a pool; threads only slow its arithmetic down.
_LEAN = {"DB_POOL_MAX": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
CELERY = (PYTHON, "-m", "celery", "-q", "-A", "deploy")
_APP, _BENCH = {"DATABASE_ROLE": Role.APP.value}, {"DATABASE_ROLE": Role.BENCH.value}
# In a container the demo may well be root's; the workers take JSON only.
_LEAN_WORKER = _LEAN | {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}


def programs(folders: Sequence[BenchFolder], *, host: str, port: int) -> list[Program]:
    found = [_web(host, port), _beat(), _office()]
    for folder in folders:
        found += [_bench(folder), _guardian(folder), _uplink(folder), _worker(folder)]
    return found


def story(folders: Sequence[BenchFolder], *, url: str, passwords: Mapping[str, str]) -> Program:
    hands = [f"--hands={folder.bench.slug}={folder.hands_url}" for folder in folders]
    return Program(
        name="story",
        command=(PYTHON, "-m", "deploy.demo.story", url, *hands),
        environment={
            f"STORY_{name.upper()}_PASSWORD": password for name, password in passwords.items()
        },
    )


def _short(folder: BenchFolder) -> str:
    return folder.bench.slug.replace("bench-", "")


def _stations(*words: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "stations", *words)


def _bench(folder: BenchFolder) -> Program:
    return Program(
        name=f"bench {_short(folder)}",
        command=_stations("simulate", str(folder.path / "bench.toml")),
        stage=INSTRUMENTS,
        ready_line=r"^ready\b",
        stop_s=5.0,
        environment=_LEAN,
    )


def _guardian(folder: BenchFolder) -> Program:
    return Program(
        name=f"guard {_short(folder)}",
        command=_stations("guard", str(folder.path / "bench.toml")),
        stage=GUARDIANS,
        is_ready=_guardian_answers(folder.path / "guardian.sock"),
        stop_s=8.0,
        heartbeat=folder.path / "heartbeat",
        make_safe=_stations("off", str(folder.path / "bench.toml")),
        environment=_LEAN,
    )


def _web(host: str, port: int) -> Program:
    return Program(
        name="web",
        command=(
            *(PYTHON, "-m", "uvicorn", "deploy.asgi:application"),
            *("--host", host, "--port", str(port), "--lifespan", "off", "--no-access-log"),
            *("--log-level", "warning", "--timeout-graceful-shutdown", "3"),
        ),
        stage=SERVICES,
        is_ready=_port_answers(host, port),
        environment=_APP,
    )


def _uplink(folder: BenchFolder) -> Program:
    return Program(
        name=f"uplink {_short(folder)}",
        command=(PYTHON, "manage.py", "uplink", folder.bench.slug),
        stage=SERVICES,
        environment=_LEAN | _BENCH,
    )


def _worker(folder: BenchFolder) -> Program:
    """Its SIGTERM lets a run come to a safe stop; the guardian has the last word."""
    slug = folder.bench.slug
    return Program(
        name=f"worker {_short(folder)}",
        command=(
            *(*CELERY, "worker", "-P", "prefork", "-c", "1", "-Q", f"station.{slug}"),
            *("-n", f"station-{slug}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        stage=WORKERS,
        ready_line=r" ready\.$",
        stop_s=25.0,
        complaint=deaf_worker_file(slug),
        environment=_LEAN_WORKER | _BENCH,
    )


def _office() -> Program:
    return Program(
        name="office",
        command=(
            *(*CELERY, "worker", "-P", "solo", "-Q", "office", "-n", "office@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        stage=WORKERS,
        ready_line=r" ready\.$",
        environment=_LEAN_WORKER | _APP,
        **_clockwork(),
    )


def _beat() -> Program:
    return Program(
        name="beat",
        command=(*CELERY, "beat", "--pidfile="),
        stage=WORKERS,
        environment=_LEAN | _APP,
        **_clockwork(),
    )


def _clockwork() -> dict[str, Any]:
    """Beat, broker and office worker as one: whichever is deaf, the two are started anew."""
    return {"heartbeat": pulse.office(), "heartbeat_s": 2 * settings.DEAF_AFTER_S}


def _port_answers(host: str, port: int) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            socket.create_connection((host, port), timeout=0.2).close()
        except OSError:
            return False
        return True

    return answers


def _guardian_answers(path: Path) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            wire.connect(path, 0.2).close()
        except OSError:
            return False
        return True

    return answers
