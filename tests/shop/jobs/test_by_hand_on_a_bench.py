"""A bench without a scanner, whole: a person types every cell, from claim to sealed evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.conf import settings

from shop import clock
from shop.equipment.models import Instrument
from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.queries import evidence_of_cells
from shop.evidence.rules.drift import levelled
from shop.jobs.by_hand import read_cell
from shop.jobs.models import PersonAct, Run
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.services.starts import start_run
from shop.jobs.sheets import sheet_of
from shop.jobs.states import RunState
from shop.refusals import Refusal
from shop.signing.keyring import trusted_keys
from shop.signing.models import SigningKey
from shop.verification.walk import Walk
from stations.journal import read_records
from tests import factories
from tests.faults.tampering import change, remove
from tests.shop.jobs.shop_bench import ShopBench, shop_bench
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

CELLS = (1, 2, 3, 4)


def first_fault() -> str:
    keys = {p: trusted_keys(settings.CELLSHOP_KEYS, p) for p in SigningKey.Purpose.values}
    return str(next(iter(Walk(keys).faults()), ""))


def heard(bench: ShopBench, run: Run) -> int:
    """How many readings of cells the bench's journal has."""
    journal = bench.guarded.sim.config.journal / f"{run.pk}-{run.attempt}.jsonl"
    events = [r.body["event"] for r in read_records(journal)[0] if r.kind == "event"]
    return sum(e["kind"] == "act" and e["data"]["kind"] == "reading" for e in events)


def balanced(bench: ShopBench) -> Run:
    run = bench.start()
    with bench.worker(run):
        bench.at_step(run, "pre-parallel")
        bench.read_by_hand(run, CELLS)
        bench.connect(run)
        bench.at_step(run, "balance")
        bench.confirm(run, "finish")
        bench.unlink(run)
        bench.at_step(run, "disconnect")
        bench.read_by_hand(run, (2, 1, 3, 4, 2))
    assert run.state == RunState.FINISHED, run.cause
    return run


def checked_again(
    bench: ShopBench, first: Run, read: Callable[[Run, Sequence[int]], None] | None = None
) -> Run:
    """A re-check of the same cells; `read`: how somebody reads them (default: typed)."""
    cells = [row.cell for row in first.run_cells.order_by("position")]
    recipe = factories.make_recheck_recipe(by=bench.cast.sade)
    now = clock.now()
    job = create_job(recipe_version=recipe, cells=cells, by=bench.cast.bayo, now=now)
    claim_job(job=job, station=bench.station, by=bench.cast.bayo, now=now)
    wait_until(bench.is_off, what="the uplink says OFF")
    run = start_run(job=job, by=bench.cast.bayo, now=clock.now())
    with bench.worker(run):
        bench.at_step(run, "place")
        bench.confirm(run, "place")
        bench.at_step(run, "recheck")
        (read or bench.read_by_hand)(run, CELLS)
    assert run.state == RunState.FINISHED, run.cause
    return run


def test_a_balance_and_a_recheck_whose_cells_a_person_reads() -> None:
    """B7, B8, G6: typed at the posts, through uplink, guardian and runner, into sealed evidence."""
    with shop_bench(by_hand=True) as bench:
        run = balanced(bench)

        assert Balance.objects.get().completeness == "COMPLETE"
        before, check = VoltageCheck.objects.order_by("pk")
        assert (before.kind, check.kind) == ("PRE_PARALLEL", "DISCONNECT")
        assert {row.meter.role for row in (before, check)} == {"manual"}
        assert (before.again, check.again_position) == (None, 2)
        rows = list(check.cells.order_by("position"))
        assert [row.verdict for row in rows] == ["PASS"] * 4
        assert len({row.age_s for row in rows}) == 4
        assert heard(bench, run) == 9
        evidence = evidence_of_cells([row.cell for row in rows])
        one = evidence[rows[0].cell.serial].disconnect
        assert one is not None
        assert one.is_by_hand
        assert len(one.group) == 5
        assert {cell.serial for cell in levelled(one.group)} == set(evidence)

        again = checked_again(bench, run)

        recheck = VoltageCheck.objects.get(run=again)
        assert (recheck.kind, recheck.meter.role) == ("RECHECK", "manual")
        assert {row.verdict for row in recheck.cells.all()} == {"PASS"}
        assert first_fault() == ""
        change(VoltageCheck, check.pk, again_v=3.6)
        assert "second reading is not as it was sealed" in first_fault()
        change(VoltageCheck, check.pk, again_v=check.again_v)
        Instrument.objects.filter(role="manual").update(role="scanner")
        assert "was read by hand, and no longer says so" in first_fault()
        Instrument.objects.filter(role="scanner").update(role="manual")
        remove(PersonAct, PersonAct.objects.filter(kind="reading").latest("pk").pk)
        assert "nobody typed what was sealed for the cell at 4" in first_fault()


def test_a_figure_that_is_sent_twice_or_late_reaches_the_bench_once_or_never() -> None:
    with shop_bench(by_hand=True) as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "pre-parallel")
            bench.read_by_hand(run, (1,))
            with pytest.raises(Refusal, match="was read already"):
                bench.read_by_hand(run, (1,))
            with bench.uplink():  # one that was started anew forwards everything again
                bench.read_by_hand(run, (2, 3, 4))
                bench.at_step(run, "connect")
            with pytest.raises(Refusal, match="in another step"):
                bench.read_by_hand(run, (4,))
            bench.guarded.link.stop(reason="enough")
        assert heard(bench, run) == 4
        assert sheet_of(run) is None
        with pytest.raises(Refusal, match="The run is not running: stopped"):
            read_cell(run=run, volts="3.3", by=bench.cast.tola, now=clock.now())
