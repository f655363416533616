"""Scanning the cell that the bench meter is led to: what is recorded, refused, told (B7, B8)."""

from __future__ import annotations

from typing import Any

import pytest

from shop.jobs.by_hand import read_cell
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.planning import plan
from shop.jobs.scanning import scan_cell
from shop.jobs.services.orders import claim_job
from shop.jobs.sheets import Sheet, sheet_of
from shop.jobs.states import RunState
from shop.refusals import Refusal, RoleRefusal
from stations.plain import to_plain
from stations.procedures.leading import led_steps
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.test_by_hand import reading
from tests.stations.procedures.scripted import program


def leading(cast: Cast, step: str = "disconnect") -> Run:
    """A run of four cells to which the bench meter is led now."""
    plain = to_plain(led_steps(program()))
    at = [known["name"] for known in plain["steps"]].index(step)
    place = {"index": at, "name": step, "title": plain["steps"][at]["title"]}
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station(led=True))
    return factories.make_run(
        by=cast.tola, job=job, program=plain, step=place, state=RunState.RUNNING, token=1
    )


def serial(run: Run, position: int) -> str:
    return str(run.run_cells.get(position=position).cell.serial)


def scanned(run: Run, cast: Cast, position: int, **more: Any) -> PersonAct:
    return scan_cell(run=run, cell=serial(run, position), by=cast.tola, now=NOON, **more)


def told(run: Run, act: PersonAct, **data: Any) -> None:
    """What the bench said of a scan, as its uplink writes it."""
    kind = "bench_unread" if "words" in data else "bench_read"
    data = {"act": str(act.pk), "cell": act.data["cell"], "received_at": NOON.isoformat()} | data
    JobEvent.objects.create(job_id=run.job_id, run=run, kind=kind, at=NOON, data=data)


def led_to(run: Run, cast: Cast, position: int, voltage_v: float, **more: Any) -> None:
    told(run, scanned(run, cast, position, **more), voltage_v=voltage_v)


def sheet(run: Run) -> Sheet:
    found = sheet_of(Run.objects.get(pk=run.pk))
    assert found is not None
    return found


def refused(run: Run, cast: Cast, cell: str, **more: Any) -> str:
    before = PersonAct.objects.count()
    with pytest.raises(Refusal) as caught:
        scan_cell(run=run, cell=cell, by=cast.tola, now=NOON, **more)
    assert PersonAct.objects.count() == before
    (problem,) = caught.value.problems
    assert problem.fix
    return problem.code


def test_a_scan_goes_on_record_with_cell_meter_and_person_and_without_a_figure(cast: Cast) -> None:
    run = leading(cast)

    act = scanned(run, cast, 3)

    meter = run.station.instruments.get(role="meter")
    assert (act.kind, act.by, act.at) == ("scan", cast.tola, NOON)
    assert act.data == {
        "step": "disconnect",
        "attempt": 1,
        "cell": 3,
        "meter": meter.serial_number,
        "scanned_at": NOON.isoformat(),
    }
    assert (sheet(run).settling, sheet(run).left) == (3, (1, 2, 3, 4))


def test_what_the_bench_read_stands_and_the_first_is_asked_once_more(cast: Cast) -> None:
    """G6."""
    run = leading(cast)
    for position in (2, 1, 3, 4):
        led_to(run, cast, position, round(3.640 + position / 1000, 3))

    now = sheet(run)

    assert [(one.position, one.voltage_v) for one in now.read] == [
        (2, 3.642),
        (1, 3.641),
        (3, 3.643),
        (4, 3.644),
    ]
    assert (now.left, now.is_second, now.settling) == ((2,), True, 0)
    led_to(run, cast, 2, 3.640)
    assert refused(run, cast, serial(run, 2)) == "all_read"


def test_what_came_to_no_reading_says_why_and_is_scanned_again(cast: Cast) -> None:
    run = leading(cast)
    told(run, scanned(run, cast, 1), words="the meter shows nothing")

    assert (sheet(run).unread, sheet(run).left, sheet(run).settling) == (
        "the meter shows nothing",
        (1, 2, 3, 4),
        0,
    )
    led_to(run, cast, 1, 3.64)
    assert (sheet(run).unread, sheet(run).left) == ("", (2, 3, 4))


def test_wrong_scans_are_refused_and_write_nothing(cast: Cast) -> None:
    run = leading(cast)
    led_to(run, cast, 1, 3.641)
    (stranger,) = factories.make_cells(1)

    assert refused(run, cast, stranger.serial) == "other_cell"
    assert refused(run, cast, "rubbish \u0000 <script>") == "other_cell"
    assert refused(run, cast, "2") == "other_cell"  # a place is no barcode
    assert refused(run, cast, "  ") == "no_cell"
    assert refused(run, cast, serial(run, 1)) == "read_already"
    assert refused(run, cast, serial(run, 2), corrects=True) == "not_read_yet"
    assert sheet(run).left == (2, 3, 4)


def test_a_makers_code_is_a_barcode_too(cast: Cast) -> None:
    run = leading(cast)
    row = run.run_cells.get(position=4)
    type(row.cell).objects.filter(pk=row.cell_id).update(maker_code="QR-77")

    act = scan_cell(run=run, cell=" QR-77 ", by=cast.tola, now=NOON)

    assert act.data["cell"] == 4


def test_a_correction_stands_where_it_was_made(cast: Cast) -> None:
    run = leading(cast)
    led_to(run, cast, 1, 3.641)
    led_to(run, cast, 2, 3.642)

    led_to(run, cast, 1, 3.640, corrects=True)

    assert [(one.position, one.voltage_v) for one in sheet(run).read] == [(2, 3.642), (1, 3.640)]


def test_what_was_read_before_an_interruption_is_read_anew(cast: Cast) -> None:
    run = leading(cast)
    led_to(run, cast, 1, 3.641)
    scanned(run, cast, 2)
    Run.objects.filter(pk=run.pk).update(attempt=2)

    assert (sheet(run).left, sheet(run).settling) == ((1, 2, 3, 4), 0)


def test_nobody_types_where_the_meter_is_led_nor_scans_where_a_figure_is_typed(cast: Cast) -> None:
    run = leading(cast)
    with pytest.raises(Refusal) as caught:
        read_cell(run=run, volts="3.64", by=cast.tola, now=NOON)
    assert [problem.code for problem in caught.value.problems] == ["meter_is_led"]
    typed = reading(cast)
    assert refused(typed, cast, serial(typed, 1)) == "figure_is_typed"


def test_a_scan_out_of_time_or_by_a_stranger_is_refused(cast: Cast) -> None:
    run = leading(cast)
    with pytest.raises(RoleRefusal):
        scan_cell(run=run, cell=serial(run, 1), by=cast.stranger, now=NOON)
    Run.objects.filter(pk=run.pk).update(step={"index": 0, "name": "probes"})
    assert refused(run, cast, serial(run, 1)) == "step_not_now"
    Run.objects.filter(pk=run.pk).update(state=RunState.STOPPING)
    assert refused(run, cast, serial(run, 1)) == "run_not_running"


def test_a_bench_with_neither_scanner_nor_hand_held_meter_leads_its_own(cast: Cast) -> None:
    job, station = factories.make_job(by=cast.tola), factories.make_station(led=True)
    claim_job(job=job, station=station, by=cast.tola, now=NOON)

    looks = [step for step in plan(job, station).plain["steps"] if step["type"] == "Measure"]

    assert [step["by_hand"]["led"]["settle_v"] for step in looks] == [0.001, 0.001]
    by_hand = plan(job, factories.make_station(by_hand=True)).plain["steps"]  # chosen by its meter
    assert all("led" not in s["by_hand"] for s in by_hand if s["type"] == "Measure")
