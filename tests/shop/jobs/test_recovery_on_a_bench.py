"""B14 on a real process tree: a pack is held while its balancer works, cycled, and read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from shop import clock
from shop.care import services
from shop.care.models import PackReading
from shop.care.queries import care_of
from shop.evidence.models import Balance, CellVoltage
from shop.jobs import recipes
from shop.jobs.models import Run
from shop.jobs.services.orders import claim_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import RunState
from shop.packs.models import Pack
from shop.packs.services import assemble_pack
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from tests import factories
from tests.faults.tampering import change, remove
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.shop.packs.factories import approve, make_bank, make_capacity, make_design
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

SOC = (0.96, 0.955, 0.96, 0.96)
# Minutes instead of hours, and a cycle of 2 %; the rules stay the same.
SHORT_S = 1800.0  # of a hold, by the policy here
QUICK = {"hold_h": 0.5, "again_h": 0.2, "cycle_share": 0.02}


def assembled(bench: ShopBench, *, parallel: int = 1) -> Pack:
    cast, now = bench.cast, clock.now()
    stopped = now - timedelta(minutes=30)
    bank = make_bank(by=cast.tola, stopped=stopped, cells=factories.make_cells(4 * parallel))
    for cell in bank.cells:
        make_capacity(cell, tested_at=stopped - timedelta(days=1))
    approve(bank.cells, by=cast.sade, now=stopped + timedelta(minutes=10))
    return assemble_pack(
        serial="P-1",
        design=make_design(bms_over_voltage_v=3.65, parallel=parallel),
        cells=bank.cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=now - timedelta(minutes=5),
    )


def started(bench: ShopBench, pack: Pack) -> Run:
    cast, now = bench.cast, clock.now()
    reading = services.read_pack(
        pack=pack,
        cells_v=[3.46, 3.39, 3.46, 3.46],
        at_top=True,
        taken_at=now - timedelta(minutes=2),
        months=None,
        measured_by="BMS app",
        by=cast.tola,
        now=now,
    )
    recipe = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults() | QUICK, by=cast.sade
    )
    recovery = services.open_recovery(reading=reading, recipe_version=recipe, by=cast.tola, now=now)
    assert recovery.job is not None
    claim_job(job=recovery.job, station=bench.station, by=cast.tola, now=now)
    wait_until(bench.is_off, what="the uplink says OFF")
    return start_run(job=recovery.job, by=cast.tola, now=clock.now())


def told_of(run: Run) -> list[str]:
    """What the verification says of the run."""
    keys = {
        purpose: trusted_keys(settings.CELLSHOP_KEYS, purpose)
        for purpose in SigningKey.Purpose.values
    }
    return [fault.words for fault in Walk(keys).faults() if fault.run == run.pk]


def other_pack(bench: ShopBench, pack: Pack) -> Pack:
    return Pack.objects.create(
        serial="P-2",
        design=pack.design,
        customer=pack.customer,
        assembled_by=bench.cast.bayo,
        assembled_at=pack.assembled_at,
    )


def test_a_mild_recovery_from_its_reading_to_the_next_one() -> None:
    with shop_bench(
        socs=SOC, with_bms=True, with_load=True, balance_a=20.0, care_hold_min_s=SHORT_S
    ) as bench:
        pack = assembled(bench)
        run = started(bench, pack)
        with bench.worker(run):
            bench.at_step(run, "connect")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "connect")
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        reading = PackReading.objects.get(run=run)
        assert (reading.pack, len(reading.cells_v)) == (pack, 4)
        care = care_of(pack)
        assert [judged.taken for judged in care.readings] == ["", "HOLD"]
        assert care.asks is not None
        assert "recovered" in care.asks.words
        assert not Balance.objects.filter(run=run).exists()
        assert not bench.guarded.sim.output_is_on()
        assert not told_of(run)
        for changed, words in (
            ({"at_top": False}, "says otherwise"),
            ({"months": 13}, "says otherwise"),
            ({"taken_at": reading.taken_at - timedelta(days=30)}, "at another time"),
            ({"measured_by": "BMS app"}, "another bench"),
            ({"cells_v": [3.45] * 4}, "as they were sealed"),
            ({"pack": other_pack(bench, pack)}, "another pack"),
        ):
            before = {name: getattr(reading, name) for name in changed}
            change(PackReading, reading.pk, **changed)
            assert [words in fault for fault in told_of(run)] == [True], changed
            change(PackReading, reading.pk, **before)
        remove(PackReading, reading.pk)
        assert ["there is none" in fault for fault in told_of(run)] == [True]


def test_a_pack_with_cells_in_parallel_is_recovered_by_its_places() -> None:
    """4S2P: the bench holds and reads four places of 400 Ah, the shop knows eight cells."""
    with shop_bench(
        socs=SOC, with_bms=True, with_load=True, balance_a=40.0, parallel=2, care_hold_min_s=SHORT_S
    ) as bench:
        pack = assembled(bench, parallel=2)
        run = started(bench, pack)
        with bench.worker(run):
            bench.at_step(run, "connect")
            bench.guarded.sim.hands.post("/string/on")
            bench.confirm(run, "connect")
            bench.unlink(run)

        assert run.state == RunState.FINISHED, run.cause
        assert run.program is not None
        assert run.program["cells"] == 4
        assert dict(run.program["facts"])["cell_ah"] == 400.0
        reading = PackReading.objects.get(run=run)
        assert len(reading.cells_v) == 4
        assert [judged.taken for judged in care_of(pack).readings] == ["", "HOLD"]
        for check in run.voltage_checks.all():
            volts = [row.voltage_v for row in check.cells.order_by("position")]
            assert volts[::2] == volts[1::2]
            assert len(volts) == 8
        assert not told_of(run)
        row = CellVoltage.objects.filter(voltage_check__run=run, position=6).first()
        assert row is not None
        change(CellVoltage, row.pk, voltage_v=3.0)
        assert told_of(run) == ["the cell at 6 is not as it was sealed"]
