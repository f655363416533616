"""A bench without a scanner, whole and by wires: the bench meter is led, from claim to evidence."""

from __future__ import annotations

import pytest

from shop import clock
from shop.equipment.models import Instrument
from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.queries import evidence_of_cells
from shop.evidence.rules.drift import levelled
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.scanning import scan_cell
from shop.jobs.sheets import UNREAD, sheet_of
from shop.jobs.states import RunState
from shop.refusals import Refusal
from tests.faults.tampering import change, remove
from tests.shop.jobs.shop_bench import SERIALS, ShopBench, shop_bench
from tests.shop.jobs.test_by_hand_on_a_bench import checked_again, first_fault
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

CELLS = (1, 2, 3, 4)


def led_to_the_charge(bench: ShopBench, run: Run) -> None:
    bench.at_step(run, "probes")
    bench.confirm(run, "probes")
    bench.at_step(run, "pre-parallel")
    bench.lead_meter(run, CELLS)
    bench.connect(run)


def shown_at(bench: ShopBench, run: Run, received_at: str) -> float:
    """The volts of the journalled sample of that moment."""
    samples = bench.samples(run)
    return float(next(s["voltage_v"] for s in samples if s["received_at"] == received_at))


def test_a_balance_whose_cells_the_led_bench_meter_reads_becomes_evidence_of_its_class() -> None:
    """B7, G6: through uplink, guardian and runner; every figure is a journalled sample."""
    with shop_bench(led=True) as bench:
        run = bench.start()
        with bench.worker(run):
            led_to_the_charge(bench, run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)
            bench.at_step(run, "disconnect")
            bench.lead_meter(run, (2, 1, 3, 4, 2))
        assert run.state == RunState.FINISHED, run.cause

        assert Balance.objects.get().completeness == "COMPLETE"
        before, check = VoltageCheck.objects.order_by("pk")
        assert (before.kind, check.kind) == ("PRE_PARALLEL", "DISCONNECT")
        assert {row.meter.serial_number for row in (before, check)} == {SERIALS["meter"]}
        assert (before.again, check.again_position) == (None, 2)
        rows = list(check.cells.order_by("position"))
        assert [row.verdict for row in rows] == ["PASS"] * 4
        assert len({row.age_s for row in rows}) == 4
        for row in rows:
            assert row.voltage_v == shown_at(bench, run, row.received_at.isoformat())
        evidence = evidence_of_cells([row.cell for row in rows])
        one = evidence[rows[0].cell.serial].disconnect
        assert one is not None
        assert (one.is_by_hand, one.is_led, len(one.group)) == (False, True, 5)
        assert {cell.serial for cell in levelled(one.group)} == set(evidence)

        assert first_fault() == ""
        meter = Instrument.objects.filter(serial_number=SERIALS["meter"])
        change(VoltageCheck, check.pk, again_v=3.6)
        assert "second reading is not as it was sealed" in first_fault()
        change(VoltageCheck, check.pk, again_v=check.again_v)
        remove(PersonAct, PersonAct.objects.filter(kind="scan").latest("pk").pk)
        remove(PersonAct, PersonAct.objects.filter(kind="scan", data__cell=2).latest("pk").pk)
        assert "nobody scanned the cell at 2" in first_fault()
        meter.update(role="scanner")
        assert "was read by the bench meter, cell by cell, and no longer says so" in first_fault()
        meter.update(role="meter")


def test_wrong_scans_and_probes_in_the_air_are_told_and_nothing_is_lost() -> None:
    with shop_bench(led=True) as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "probes")
            bench.confirm(run, "probes")
            bench.at_step(run, "pre-parallel")
            serials = dict(run.run_cells.values_list("position", "cell__serial"))
            bench.lead_meter(run, (1,))
            for wrong, words in (("rubbish", "not in this run"), (serials[1], "read already")):
                with pytest.raises(Refusal, match=words):
                    scan_cell(run=run, cell=wrong, by=bench.cast.tola, now=clock.now())
            stayed = scan_cell(run=run, cell=serials[2], by=bench.cast.tola, now=clock.now())
            assert "has not left cell 1" in bench.told(stayed).data["words"]
            bench.guarded.sim.hands.post("/meter/off")
            in_air = scan_cell(run=run, cell=serials[2], by=bench.cast.tola, now=clock.now())
            assert "the meter shows nothing" in bench.told(in_air).data["words"]
            sheet = sheet_of(run)
            assert sheet is not None
            assert (sheet.left, sheet.settling) == ((2, 3, 4), 0)
            assert "the meter shows nothing" in sheet.unread
            bench.lead_meter(run, (2, 3, 4))
            bench.at_step(run, "connect")
            bench.guarded.link.stop(reason="enough")
        assert run.state == RunState.STOPPED
        assert JobEvent.objects.filter(run=run, kind=UNREAD).count() == 2


def test_a_bench_that_is_lost_between_scan_and_reading_asks_for_every_cell_again() -> None:
    """F4: nothing that was read before counts twice."""
    with shop_bench(led=True) as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "probes")
            bench.confirm(run, "probes")
            bench.at_step(run, "pre-parallel")
            bench.lead_meter(run, (1, 2))
            serial = run.run_cells.get(position=3).cell.serial
            scan_cell(run=run, cell=serial, by=bench.cast.tola, now=clock.now())
            bench.guarded.link.stop(reason="the worker was lost", resumable=True)
        assert run.state == RunState.INTERRUPTED, run.cause
        wait_until(lambda: _journal_is_stored(run), what="the journal is stored")
        with bench.worker(run):
            wait_until(lambda: Run.objects.get(pk=run.pk).attempt == 2)
            bench.at_step(run, "pre-parallel")
            wait_until(lambda: _left(run) == CELLS, what="every cell is asked for again")
            bench.lead_meter(run, CELLS)
            bench.connect(run)
            bench.at_step(run, "balance")
            bench.guarded.link.stop(reason="enough")
        check = VoltageCheck.objects.get(run=run)
        assert check.cells.count() == 4


def _journal_is_stored(run: Run) -> bool:
    run.refresh_from_db()
    return run.journal_closed_at is not None


def _left(run: Run) -> tuple[int, ...]:
    sheet = sheet_of(Run.objects.get(pk=run.pk))
    return sheet.left if sheet else ()


def test_a_recheck_with_the_meter_led_judges_each_cell_against_its_bank() -> None:
    """B8."""
    with shop_bench(by_hand=True) as bench:
        run = bench.start()
        with bench.worker(run):
            bench.at_step(run, "pre-parallel")
            bench.read_by_hand(run, CELLS)
            bench.connect(run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)
            bench.at_step(run, "disconnect")
            bench.read_by_hand(run, (*CELLS, 1))
        Instrument.objects.filter(station=bench.station, role="manual").update(station=None)

        again = checked_again(bench, run, read=bench.lead_meter)

        recheck = VoltageCheck.objects.get(run=again)
        assert (recheck.kind, recheck.meter.role) == ("RECHECK", "meter")
        assert {row.verdict for row in recheck.cells.all()} == {"PASS"}
        assert first_fault() == ""


@pytest.mark.parametrize("with_bms", [False, True])
def test_a_check_that_nobody_came_to_is_missing_and_the_run_ends_whole(with_bms: bool) -> None:
    """B7, B19: no station without a scanner is left with a run that cannot be concluded.

    Nor is a BMS there for strings said to have looked at cells that are in none.
    """
    with shop_bench(led=not with_bms, with_bms=with_bms) as bench:
        run = bench.start(fresh_s=30.0, late_s=31.0)
        with bench.worker(run):
            led_to_the_charge(bench, run)
            bench.at_step(run, "balance")
            bench.confirm(run, "finish")
            bench.unlink(run)
        assert run.state == RunState.FINISHED, run.cause
        check = VoltageCheck.objects.get(run=run, kind="DISCONNECT")
        assert {row.verdict for row in check.cells.all()} == {"MISSING"}
        assert check.meter.role == "meter"
        assert first_fault() == ""
