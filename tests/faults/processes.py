"""The shop's own processes, as the demo starts them, on the servers of a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from deploy.demo.benches import BenchFolder, DemoBench
from deploy.demo.programs import programs
from deploy.supervisor import Program
from tests.stations.sim.harness import ROOT
from tests.wait import wait_until

# A tenth of the shop's own, and calm enough for a busy machine.
SHORT = {
    "LEASE_TTL_S": 6.0,
    "LEASE_RENEW_S": 1.0,
    "LEASE_GRACE_S": 2.0,
    "SELF_FENCE_S": 4.0,
    "UPLINK_PERIOD_S": 0.25,
    "RESEND_S": 1.0,
    "DEAF_AFTER_S": 6.0,
}


def of_bench(slug: str) -> dict[str, Program]:
    """ "worker", "uplink", "office" and "beat" by name."""
    folder = BenchFolder(DemoBench(slug, slug, 0, ()), settings.CELLSHOP_DATA / "benches" / slug, 0)
    return {p.name.split()[0]: p for p in programs([folder], host="127.0.0.1", port=0)}


@contextmanager
def running(
    program: Program, env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """One of them, until the block ends; what it says is added to `log`."""
    with _started(program.command, {**env, **program.environment}, log) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def supervised(
    slug: str, names: Sequence[str], env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Several of them under a supervisor, all ready; ended by it."""
    command = [sys.executable, "-m", "tests.faults.supervise", slug, *names]
    with _started(command, env, log) as process:
        wait_until(lambda: "all ready" in log.read_text(), within_s=60, what=f"all of {names}")
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def _started(
    command: Sequence[str], env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)
