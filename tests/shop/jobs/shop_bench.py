"""A whole bench below the shop: simulator and guardian in processes, worker and uplink in threads.

with shop_bench() as bench:
    run = bench.start()
    with bench.worker(run):
        bench.play()
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import redis
from django.db import connections

from deploy.demo.seed import SIMULATED_BOTTOM, SIMULATED_CAPACITY, SIMULATED_POLICY
from shop import clock
from shop.equipment.benches import bench_folder
from shop.equipment.models import Station, StationLease
from shop.jobs import recipes
from shop.jobs.by_hand import read_cell
from shop.jobs.execution import execute
from shop.jobs.models import JobEvent, PersonAct, RecipeVersion, Run
from shop.jobs.scanning import scan_cell
from shop.jobs.services.acts import confirm_step
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from shop.jobs.sheets import READ, UNREAD
from shop.jobs.terms import ATTENDED, Terms
from shop.readings.uplink import Uplink
from stations.journal import read_records
from stations.procedures.led import OPEN_MAX_V
from stations.sim.folder import PROBES, Folder
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.guarded import Guarded, guarded
from tests.stations.sim.harness import cell
from tests.wait import wait_until

T = TypeVar("T")
SERIALS = {
    "supply": "00012345",
    "meter": "MY53200001",
    "scanner": "MY49000001",
    "load": "8000123456",
    "bms": "JBD-SP04S020-0042",
    "thermometer": "001",
    "relay": "unit-1",
    "router": "unit-2",
}
AT_TARGET_V = 3.63  # of 3.65 V: where the CV hold begins to count (B2)
# A tail that a nearly full bank reaches within seconds at 240 x; the rules stay the same.
QUICK = {
    "done_c": 0.02,
    "partial_c": 0.04,
    "cv_min_s": 120.0,
    "dwell_s": 60.0,
    "refresh_cv_min_s": 60.0,
}


@dataclass
class ShopBench:
    """One station of the shop, with the process tree below it."""

    guarded: Guarded
    station: Station
    cast: Cast

    def start(
        self,
        *,
        recipe_version: RecipeVersion | None = None,
        terms: Terms = ATTENDED,
        cells: int = 4,
        **recipe: float,
    ) -> Run:
        """A started run of so many cells: QUEUED, for nobody listens to the broker here."""
        quick = QUICK | recipe
        job = factories.make_job(
            by=self.cast.tola,
            cells=factories.make_cells(cells),
            recipe_version=recipe_version
            or factories.make_recipe_version(by=self.cast.sade, **quick),
            claimed_at=self.station,
            now=clock.now(),
        )
        wait_until(self.is_off, what="the uplink says OFF")
        return start_run(job=job, by=self.cast.tola, now=clock.now(), terms=terms)

    def start_capacity(self, **recipe: float) -> Run:
        """A started capacity test of one cell, on a bench `with_load`."""
        quick = SIMULATED_CAPACITY | recipe
        return self.start_one(factories.make_capacity_recipe(by=self.cast.sade, **quick))

    def start_resistance(self, **recipe: float) -> Run:
        """A started resistance test of one cell, on a bench `with_load`."""
        parameters = recipes.resistance_test.defaults() | recipe
        return self.start_one(
            factories.make_recipe_of("resistance_test", parameters, by=self.cast.sade)
        )

    def start_one(self, version: RecipeVersion) -> Run:
        """A started run of that recipe with one new cell."""
        cells, now = factories.make_cells(1), clock.now()
        job = create_job(recipe_version=version, cells=cells, by=self.cast.tola, now=now)
        claim_job(job=job, station=self.station, by=self.cast.tola, now=now)
        wait_until(self.is_off, what="the uplink says OFF")
        return start_run(job=job, by=self.cast.tola, now=clock.now())

    def start_bottom(self, **recipe: float | str) -> Run:
        """A started bottom balance of two cells, on a bench `with_load`."""
        version = factories.make_bottom_recipe(by=self.cast.sade, **SIMULATED_BOTTOM | recipe)
        return self.start(recipe_version=version, cells=2)

    @contextmanager
    def uplink(self) -> Iterator[None]:
        """The bench's uplink, while the block lasts; for a bench that is not `alive` by itself."""
        with ticking(Uplink(self.station)):
            yield

    def is_off(self) -> bool:
        return StationLease.objects.get(station=self.station).output_state == "OFF"

    def at_step(self, run: Run, name: str, *, within_s: float = 60.0) -> None:
        def there() -> bool:
            run.refresh_from_db()
            assert not run.is_over, f"{run.state}: {run.cause}"
            return bool(run.step and run.step["name"] == name)

        wait_until(there, within_s=within_s, what=f"step {name}")

    def confirm(self, run: Run, step: str, answer: float | None = None) -> None:
        """`answer` is what they type where the step asks."""
        confirm_step(run=run, step=step, by=self.cast.tola, now=clock.now(), answer=answer)

    def connect(self, run: Run) -> None:
        self.at_step(run, "connect")
        self.guarded.sim.hands.post("/links/on")
        self.confirm(run, "connect")

    def connect_alone(self, run: Run) -> None:
        """Leads and meter on the first cell of the table, the others beside it."""
        self.at_step(run, "connect")
        self.guarded.sim.hands.post("/leads/cell/1")
        self.confirm(run, "connect")

    def read_by_hand(self, run: Run, cells: Sequence[int]) -> None:
        """Somebody goes from post to post with the meter that the table truly shows."""
        table = self.guarded.sim.hands.state()["cells"]
        for position in cells:
            volts = f"{table[position - 1]['voltage_v']:.3f}".replace(".", ",")
            read_cell(run=run, cell=str(position), volts=volts, by=self.cast.tola, now=clock.now())

    def lead_meter(self, run: Run, cells: Sequence[int]) -> None:
        """Somebody puts the bank meter's probes on one cell after the other and scans each."""
        serials = dict(run.run_cells.values_list("position", "cell__serial"))
        for position in cells:
            self.guarded.sim.hands.post("/meter/off")
            wait_until(
                lambda: any(abs(s["voltage_v"]) < OPEN_MAX_V for s in self.samples(run)[-1:]),
                what="the meter is seen to be on nothing",
            )
            self.guarded.sim.hands.post(f"/meter/cell/{position}")
            act = scan_cell(run=run, cell=serials[position], by=self.cast.tola, now=clock.now())
            self.told(act)

    def samples(self, run: Run) -> list[Mapping[str, Any]]:
        """What the journal of the present attempt has of readings."""
        journal = self.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
        return [r.body["reading"] for r in read_records(journal)[0] if r.kind == "sample"]

    def told(self, act: PersonAct, *, within_s: float = 45.0) -> JobEvent:
        """What the bench says of a scan."""
        events = JobEvent.objects.filter(kind__in=(READ, UNREAD), data__act=str(act.pk))
        wait_until(events.exists, within_s=within_s, what=f"an answer to scan {act.pk}")
        return events.get()

    def unlink(self, run: Run) -> None:
        self.at_step(run, "unlink")
        self.guarded.sim.hands.post("/links/off")
        self.confirm(run, "unlink")

    def turn(self, run: Run, cell: int) -> None:
        """One cell of an individual balance, by somebody who stays."""
        self.at_step(run, f"connect-{cell}")
        self.guarded.sim.hands.post(f"/leads/cell/{cell}")
        self.confirm(run, f"connect-{cell}")
        self.at_step(run, f"balance-{cell}")
        self.confirm(run, f"finish-{cell}")
        self.at_step(run, f"unlink-{cell}")
        self.guarded.sim.hands.post("/leads/off")
        self.confirm(run, f"unlink-{cell}")

    def turn_to_empty(self, run: Run, cell: int) -> None:
        """Leads and meter on one cell, its discharge and its rest; then all off it again."""
        self.at_step(run, f"connect-{cell}", within_s=90)
        self.guarded.sim.hands.post(f"/leads/cell/{cell}")
        self.confirm(run, f"connect-{cell}")
        self.at_step(run, f"rest-{cell}", within_s=90)
        self.at_step(run, f"unlink-{cell}", within_s=90)
        self.guarded.sim.hands.post("/leads/off")
        self.confirm(run, f"unlink-{cell}")

    @contextmanager
    def worker(self, run: Run) -> Iterator[threading.Thread]:
        """`execute` of this run in a thread; ended before the block is left."""
        with in_thread(lambda: execute(run.pk)) as thread:
            yield thread
            thread.join(timeout=90)
            assert not thread.is_alive(), "the worker did not come to an end"
        run.refresh_from_db()


def is_in_cv(redis_client: redis.Redis, bench: ShopBench) -> bool:
    """In the CV hold, its bank at target, by the live value that the pages show."""
    reading = live_reading(redis_client, bench)
    return reading.get("regulation") == "CV" and (reading["voltage_v"] or 0.0) >= AT_TARGET_V


def draws(redis_client: redis.Redis, bench: ShopBench) -> bool:
    """By the same value: a reading with the load on has come through, and counts."""
    return (live_reading(redis_client, bench).get("supply_current_a") or 0.0) < -1.0


def live_reading(redis_client: redis.Redis, bench: ShopBench) -> dict[str, Any]:
    live = json.loads(redis_client.get(f"live:{bench.station.slug}") or "{}")
    return live.get("reading") or {}


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Run `work` beside the test; an exception in it fails the test."""
    errors: list[BaseException] = []

    def guarded_work() -> None:
        try:
            work()
        except BaseException as error:  # handed to the test below
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=guarded_work, daemon=True)
    thread.start()
    yield thread
    thread.join(timeout=5)
    if errors:
        raise errors[0]


@contextmanager
def ticking(uplink: Uplink, period_s: float = 0.1) -> Iterator[None]:
    """The uplink's loop in a thread."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            uplink.tick()
            ended.wait(period_s)

    with in_thread(loop):
        try:
            yield
        finally:
            ended.set()


@contextmanager
def shop_bench(
    *,
    soc: float = 0.995,
    socs: Sequence[float] = (),
    speed: float = 240.0,
    alive: bool = True,
    with_load: bool = False,
    for_nights: bool = False,
    probes: int = PROBES,
    by_hand: bool = False,
    led: bool = False,
    lead_ohm: float = 0.005,
    with_bms: bool = False,
    balance_a: float = 0.0,
    with_router: bool = False,
    unseen: bool = False,
    parallel: int = 1,
    **policy: float,
) -> Iterator[ShopBench]:
    """Four cells on a simulated bench, registered in the shop; `alive`: its uplink runs.

    `with_load`: a load beside the supply; `for_nights`: `probes` on the cells and a contactor;
    `by_hand`: a hand-held meter in the scanner's place; `led`: nothing there.  `socs`: of each
    cell, where they differ.
    `with_bms`: a bench for strings, without a scanner; it balances with `balance_a`.
    `with_router`: a board puts the leads on one cell after the other.  `unseen`: for strings, and
    nothing shows their cells.  `parallel`: so many cells of 200 Ah are one on the table.
    """
    cast = the_cast()
    factories.make_policy(by=cast.sade, **SIMULATED_POLICY | policy)
    # The session's data folder is shared by xdist's workers, so the bench's name must be unique.
    slug = f"bench-{uuid4().hex[:8]}"
    station = factories.make_station(
        slug=slug,
        load=with_load,
        night=for_nights,
        by_hand=by_hand,
        led=led,
        bms=with_bms,
        router=with_router,
        unseen=unseen,
        now=clock.now(),
    )
    for role, serial_number in SERIALS.items():
        station.instruments.filter(role=role).update(serial_number=serial_number)
    folder = Folder(
        cells=[cell(soc=each, capacity_ah=200.0 * parallel) for each in socs or [soc] * 4],
        speed=speed,
        wiring={"lead_ohm": lead_ohm},
        relay=for_nights,
        router=with_router,
        bms={"balance_a": balance_a} if balance_a else {},
        probes=probes,
        more=("itech_it8514c",) * with_load
        + ("eletechsup_r4dcb08",) * for_nights
        + ("jbd_bms",) * with_bms,
        scanner=not (by_hand or led or with_bms or unseen),
        meter_driver="keysight_34461a_100v" if with_bms or unseen else "keysight_34461a",
    )
    with guarded(bench_folder(station.slug), folder=folder) as below:
        bench = ShopBench(below, station, cast)
        with bench.uplink() if alive else nullcontext():
            yield bench
