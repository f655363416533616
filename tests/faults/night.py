"""A bench whose programs use servers of the test's own, for faults of those servers.

with a_night(env, ...) as night, night.programs("worker", "office", "beat"):
    run = night.charging()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from subprocess import Popen

from pytest_django import Settings

from shop import clock
from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.services.acts import request_stop
from shop.jobs.services.starts import start_run
from stations.clock import guard_s
from tests.faults.own_servers import own_folder
from tests.faults.processes import SHORT, of_bench, running, supervised
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until

SPEED = 4.0  # process seconds per second: slow enough for a busy machine to keep the period
PERIOD_S = 1.0 / SPEED


@dataclass
class Night:
    bench: ShopBench
    env: dict[str, str]
    logs: Path

    @property
    def slug(self) -> str:
        return self.bench.station.slug

    def at(self, env: dict[str, str], **more: str) -> Night:
        """The same shop from another host, with addresses and data of that one."""
        return replace(self, env=self.env | env | more)

    def programs(self, *names: str) -> AbstractContextManager[Popen[bytes]]:
        """Several of them under the shop's supervisor."""
        return supervised(self.slug, names, self.env, self.log(names[0]))

    def program(
        self, name: str, *, log: str = "", **env: str
    ) -> AbstractContextManager[Popen[bytes]]:
        """One of them alone; killed at the end."""
        return running(of_bench(self.slug)[name], self.env | env, self.log(log or name))

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def said(self, name: str, words: str) -> int:
        """How often."""
        path = self.log(name)
        return path.read_text().count(words) if path.exists() else 0

    def charging(self) -> Run:
        """A run in its balance step, the output on, for as long as it is wanted."""
        run = self.bench.start(cv_min_s=6 * 3600.0)
        self.bench.connect(run)
        self.bench.at_step(run, "balance")
        wait_until(self.bench.guarded.sim.output_is_on, within_s=20)
        return run

    def stop(self, run: Run) -> Run:
        """By a person; the run when it is over."""
        request_stop(run=run, by=self.bench.cast.tola, now=clock.now())
        return self.over(run)

    def over(self, run: Run) -> Run:
        wait_until(lambda: Run.objects.get(pk=run.pk).is_over, within_s=90, period_s=0.1)
        return Run.objects.get(pk=run.pk)

    def again(self, run: Run) -> Run:
        """The same job, started once more."""
        job = Job.objects.get(pk=run.job_id)
        return start_run(job=job, by=self.bench.cast.tola, now=clock.now())

    def leased_at(self, run: Run, within_s: float) -> datetime:
        wait_until(lambda: leases(run), within_s=within_s, period_s=0.1, what="a worker to take it")
        return leases(run)[0].at


def leases(run: Run) -> list[JobEvent]:
    """Each time that a worker won the lease for it."""
    return list(JobEvent.objects.filter(run=run, kind="run_leased").order_by("id"))


def pause(seconds: float) -> None:
    """Let the fault last."""
    began_s = guard_s()
    wait_until(lambda: guard_s() - began_s >= seconds, within_s=seconds + 5)


@contextmanager
def a_night(
    env: dict[str, str],
    settings: Settings,
    logs: Path,
    *,
    speed: float = SPEED,
    alive: bool = True,
) -> Iterator[Night]:
    """Timers are `SHORT` unless `env` has others; data of its own; `alive`: an uplink runs."""
    env = {name: str(value) for name, value in SHORT.items()} | env
    for name in SHORT:
        setattr(settings, name, float(env[name]))
    with own_folder() as data, shop_bench(speed=speed, alive=alive) as bench:
        # The programs have a data folder of their own, but for the benches and the keys.
        (data / "benches").symlink_to(Path(settings.CELLSHOP_DATA) / "benches")
        env |= {"CELLSHOP_DATA": str(data), "CELLSHOP_KEYS": str(settings.CELLSHOP_KEYS)}
        yield Night(bench, env, logs)
