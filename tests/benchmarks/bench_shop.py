"""From a person's word to the instruments, through everything that `make demo` starts.

Two benches, at the speed of real ones, play the same short run again and again: started, set up,
and stopped from the page while it charges.  A start counts from its commit to the first byte
that the supply hears for this run (by the truth log, less the time that the simulated supply
takes to obey).  Its peer is a bare Celery application's task on the same Redis, one before each
start.  A stop counts from the request being sent to the opening of the output relay.  A bench's
first run does not count: its worker has modules still to read.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.services import free_port
from tests.benchmarks.report import p99, report
from tests.stations.sim.harness import ROOT

RUNS = 25  # of each bench
START_MS, STOP_MS = 50, 1000
DEMO = """
import runpy, sys
from deploy.demo import benches
benches.SPEED = 1.0
sys.argv = ["manage.py", "demo", "--no-story", "--port", sys.argv[1]]
runpy.run_path("manage.py", run_name="__main__")
"""


def main() -> bool:
    folder = Path(tempfile.mkdtemp(prefix="cellshop-bench-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must pass
    try:
        with _shop(folder) as (url, hands):
            return _figures(folder, url, hands)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _figures(folder: Path, url: str, hands: Mapping[str, str]) -> bool:
    import django

    django.setup()
    from tests.benchmarks.rounds import Bench, bare_worker, leave

    with bare_worker(folder) as bare, ThreadPoolExecutor() as threads:
        benches = [
            Bench(number, slug, folder=folder, url=url, hands=hands[slug])
            for number, slug in enumerate(hands)
        ]
        played = threads.map(lambda bench: bench.play(RUNS, bare), benches)
        rounds = [round_ for rounds in played for round_ in rounds]
    leave()
    number = len(rounds)
    bare_ms = p99([r.bare_s * 1e3 for r in rounds])
    start_ms = p99([r.start_s * 1e3 for r in rounds])
    stop_ms = p99([r.stop_s * 1e3 for r in rounds])
    report(f"bare Celery task's start, p99 of {number}", bare_ms, unit="ms")
    middle_ms = statistics.median(r.start_s * 1e3 for r in rounds)
    report("start to first instrument byte, median", middle_ms, unit="ms")
    return all(
        [
            report(
                f"start to first instrument byte, beyond it, p99 of {number}",
                start_ms - bare_ms,
                unit="ms",
                at_most=START_MS,
            ),
            report(
                f"stop from the page to off, p99 of {number}", stop_ms, unit="ms", at_most=STOP_MS
            ),
        ]
    )


@contextmanager
def _shop(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The demo without its story: its address, and where each bench's hands are."""
    ours = {"DJANGO_SETTINGS_MODULE": "deploy.settings", "DATABASE_ROLE": "app", "DB_POOL_MAX": "0"}
    environment = os.environ | {"CELLSHOP_DATA": str(folder)}
    os.environ |= ours | {"CELLSHOP_DATA": str(folder), "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-c", DEMO, str(free_port())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    url, hands, line = "", {}, ""
    for line in process.stdout:
        if found := re.search(r"everything runs: (\S+)", line):
            url = found[1]
        elif found := re.search(r"hands at (\S+): (\S+)", line):
            hands[found[1]] = found[2]
        elif "Ctrl-C" in line:
            break
    else:
        raise RuntimeError(f"the demo does not start: {line.strip()}")
    said = threading.Thread(target=process.stdout.read)  # or it would wait for us to read
    said.start()
    try:
        yield url, hands
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        said.join()
