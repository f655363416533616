"""`python -m tests.faults.killloop [--kills 200] [--seed 1]`: the table, and 1 for any fault."""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.stations.sim.harness import ROOT

if TYPE_CHECKING:
    from shop.jobs.models import Job
    from tests.faults.killloop.bench import Bench, Kill

# Short timers with the ratios of a shop, so that a kill costs seconds.
TIMERS = {
    "LEASE_TTL_S": "4",
    "LEASE_RENEW_S": "1",
    "LEASE_GRACE_S": "1",
    "SELF_FENCE_S": "3",
    "AUTONOMY_S": "60",
    "TAKEOVER_S": "1",
    "UPLINK_PERIOD_S": "0.25",
    "CHUNK_MAX_S": "1",
    "RESEND_S": "1",
}
RECIPE = {
    "done_c": 0.02,
    "partial_c": 0.04,
    "cv_min_s": 1200.0,
    "dwell_s": 60.0,
    "refresh_cv_min_s": 60.0,
    "resume_rest_s": 1.0,
    "resume_attempts_max": 10,
}
OURS = {"DATABASE_ROLE": "owner", "DB_POOL_MAX": "0", "LOG_LEVEL": "WARNING"}
READY = re.compile(r"everything runs: (http\S+)")
PASSWORD = re.compile(r"log in as (\w+) +password (\S+)")
HANDS = re.compile(r"hands at (bench-\d): (http\S+)")


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill what works at the benches, at random.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cellshop-killloop-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must pass
    environment = TIMERS | {"CELLSHOP_DATA": str(folder), "CELLSHOP_DURABLE": "1"}
    demo = _Demo(folder, os.environ | environment)
    os.environ |= environment | OURS
    try:
        faults = _fire(demo, folder, arguments.kills, arguments.seed)
    finally:
        demo.end()
    if faults:
        _say(f"kept for a look: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


class _Demo:
    """`manage.py demo --no-story` as a child; its output in a file, its address from there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.log = folder / "demo.log"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--no-story"],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def told(self, pattern: re.Pattern[str]) -> dict[str, str]:
        return {m[1]: m[m.lastindex or 1] for m in pattern.finditer(self.log.read_text())}

    def url(self) -> str:
        return next(iter(self.told(READY)), "")

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=90)


def _fire(demo: _Demo, folder: Path, kills: int, seed: int) -> list[str]:
    from tests.wait import wait_until

    began = time.monotonic()
    wait_until(demo.url, within_s=120, period_s=0.2, what="the demo to be ready")
    os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
    import django

    django.setup()
    from tests.faults.killloop.audit import audit

    benches = _benches(demo, folder, kills, random.Random(seed))
    threads = [threading.Thread(target=bench.live, daemon=True) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    faults = [fault for bench in benches for fault in bench.faults]
    faults += [f"{b.slug}: output left on" for b in benches if b.state()["output"]]
    runs = [run for bench in benches for run in bench.runs]
    faults += audit(runs, {bench.slug: bench.folder for bench in benches})
    _tell([kill for bench in benches for kill in bench.kills], len(runs), faults)
    _say(f"{(time.monotonic() - began) / 60:.1f} minutes, seed {seed}")
    return faults


def _benches(demo: _Demo, folder: Path, kills: int, rng: random.Random) -> list[Bench]:
    from deploy.demo.benches import BENCHES
    from deploy.demo.client import Hands, Person
    from tests.faults.killloop.bench import Bench, Budget

    hands, passwords = demo.told(HANDS), demo.told(PASSWORD)
    budget, make_job = Budget(kills), _job_maker()
    return [
        Bench(
            slug=bench.slug,
            folder=folder / "benches" / bench.slug,
            technician=Person(demo.url(), "technician", passwords["technician"]),
            hands=Hands(hands[bench.slug]),
            make_job=make_job,
            rng=random.Random(rng.random()),
            budget=budget,
        )
        for bench in BENCHES
    ]


def _job_maker() -> Callable[[], Job]:
    """Each job is of cells that just came in, with a recipe that takes seconds at 240 x."""
    from deploy.demo.seed import _cell_type
    from shop import clock
    from shop.cells.models import Batch, Cell
    from shop.cells.services import receive_batch
    from shop.jobs import recipes
    from shop.jobs.services.orders import create_job
    from shop.jobs.versions import store_recipe
    from shop.people.models import User

    by = User.objects.get(username="supervisor")
    recipe = store_recipe(
        name="Quick for kills",
        parameters=recipes.top_balance.defaults() | RECIPE,
        by=by,
        now=clock.now(),
    )
    lock = threading.Lock()

    def made() -> Job:
        with lock:
            code = f"K-{Batch.objects.count():04d}"
            batch = receive_batch(
                code=code,
                supplier="Sample supplier",
                supplier_lot=code,
                cell_type=_cell_type(by=by, now=clock.now()),
                received_on=clock.now().date(),
                serials=[f"{code}-{n}" for n in range(1, 5)],
                by=by,
            )
            cells = list(Cell.objects.filter(batch=batch).order_by("serial"))
            return create_job(recipe_version=recipe, cells=cells, by=by, now=clock.now())

    return made


def _tell(kills: Sequence[Kill], runs: int, faults: Sequence[str]) -> None:
    from tests.faults.killloop.tree import VICTIMS

    _say(f"{'killed':<14} {'kills':>6} {'aimed':>6} {'on':>6} {'worst off, s':>13}")
    for victim in VICTIMS:
        mine = [kill for kill in kills if kill.victim == victim]
        offs = [kill.off_s for kill in mine if kill.off_s is not None]
        worst = f"{max(offs):.2f}" if offs else "–"
        aimed, on = sum(bool(k.aim) for k in mine), sum(k.was_on for k in mine)
        _say(f"{victim:<14} {len(mine):>6} {aimed:>6} {on:>6} {worst:>13}")
    for fault in faults:
        _say(f"FAULT: {fault}")
    _say(f"{len(kills)} kills over {runs} runs, {len(faults)} faults")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
