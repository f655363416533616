"""What a person may type of a cell, and what is refused in words (B7, B8)."""

from __future__ import annotations

from typing import Any

import pytest

from shop.equipment.models import Instrument
from shop.jobs.by_hand import figure, read_cell
from shop.jobs.models import JobEvent, PersonAct, Run
from shop.jobs.planning import plan
from shop.jobs.preflight import Registered, preflight_problems
from shop.jobs.services.orders import claim_job
from shop.jobs.sheets import sheet_of
from shop.jobs.states import RunState
from shop.refusals import Refusal, RoleRefusal
from stations.plain import to_plain
from stations.procedures.by_hand import typed_steps
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.stations.procedures.scripted import program


def reading(cast: Cast, step: str = "disconnect") -> Run:
    """A run of four cells whose cells are read by hand now."""
    plain = to_plain(typed_steps(program()))
    at = [known["name"] for known in plain["steps"]].index(step)
    place = {"index": at, "name": step, "title": plain["steps"][at]["title"]}
    station = factories.make_station(by_hand=True)
    job = factories.make_job(by=cast.tola, claimed_at=station)
    return factories.make_run(
        by=cast.tola, job=job, program=plain, step=place, state=RunState.RUNNING, token=1
    )


def typed(run: Run, cast: Cast, volts: str, cell: str = "", **more: Any) -> PersonAct:
    return read_cell(run=run, volts=volts, cell=cell, by=cast.tola, now=NOON, **more)


def refused(run: Run, cast: Cast, volts: str, cell: str = "", **more: Any) -> str:
    before = PersonAct.objects.count()
    with pytest.raises(Refusal) as caught:
        typed(run, cast, volts, cell, **more)
    assert PersonAct.objects.count() == before
    (problem,) = caught.value.problems
    return problem.code


@pytest.mark.parametrize("volts", ["3,642", "3.642", " 3.642 V", "3.642v"])
def test_comma_or_dot_with_or_without_the_unit(volts: str) -> None:
    assert figure(volts) == (3.642, [])


@pytest.mark.parametrize("volts", ["", "volts", "3.6.4", "3 642", "1e3", "nan", "٣.٦", "-"])
def test_what_is_no_figure_is_refused(volts: str) -> None:
    assert [problem.code for problem in figure(volts)[1]] == ["no_figure"]


def test_a_figure_goes_on_record_with_cell_meter_time_and_person(cast: Cast) -> None:
    run = reading(cast)

    act = typed(run, cast, "3,642")

    meter = Instrument.objects.get(station=run.station, role="manual")
    assert act.data == {
        "step": "disconnect",
        "attempt": 1,
        "cell": 1,
        "voltage_v": 3.642,
        "meter": meter.serial_number,
        "taken_at": NOON.isoformat(),
    }
    assert (act.by, JobEvent.objects.get(kind="read_by_hand").by) == (cast.tola, cast.tola)


def test_a_cell_is_named_by_serial_makers_code_or_place(cast: Cast) -> None:
    run = reading(cast)
    cells = [row.cell for row in run.run_cells.order_by("position")]
    type(cells[2]).objects.filter(pk=cells[2].pk).update(maker_code="QR-77")

    places = [typed(run, cast, "3.64", named).data["cell"] for named in (cells[3].serial, "QR-77")]
    run.refresh_from_db()

    assert places == [4, 3]
    assert typed(run, cast, "3.64").data["cell"] == 1
    sheet = sheet_of(run)
    assert sheet is not None
    assert sheet.left == (2,)


def test_a_serial_that_looks_like_a_place_is_never_taken_for_one(cast: Cast) -> None:
    """A shop that numbers its cells from 1 lays them in any order."""
    run = reading(cast)
    cells = [row.cell for row in run.run_cells.order_by("position")]
    type(cells[0]).objects.filter(pk=cells[0].pk).update(serial="2")

    assert refused(run, cast, "3.64", "2") == "ambiguous_cell"
    assert typed(run, cast, "3.64", place="2").data["cell"] == 2
    assert refused(run, cast, "3.64", place="5") == "other_cell"


def test_the_first_cell_read_is_asked_for_once_more_and_then_nothing(cast: Cast) -> None:
    """G6."""
    run = reading(cast)
    for cell in ("2", "1", "3", "4"):
        typed(run, cast, "3.641", cell)
    sheet = sheet_of(run)
    assert sheet is not None
    assert (sheet.left, sheet.is_second) == ((2,), True)

    typed(run, cast, "3.639", "2")

    assert refused(run, cast, "3.639", "2") == "all_read"


def test_slips_are_named_and_write_nothing(cast: Cast) -> None:
    run = reading(cast)

    assert refused(run, cast, "3642") == "implausible"
    assert refused(run, cast, "36.42") == "implausible"
    assert refused(run, cast, "-3.642") == "implausible"
    assert refused(run, cast, "") == "no_figure"
    assert refused(run, cast, "3.642", "C-unknown") == "other_cell"
    assert refused(run, cast, "3.642", "5") == "other_cell"
    assert refused(run, cast, "3.642", "1", corrects=True) == "not_read_yet"


def test_a_jump_is_measured_again_and_then_stands(cast: Cast) -> None:
    run = reading(cast)
    typed(run, cast, "3.641")

    assert refused(run, cast, "3.461") == "measure_again"
    assert refused(run, cast, "3.440", first="3.461") == "measure_again"
    assert typed(run, cast, "3,459", first="3.461").data["voltage_v"] == 3.459


def test_above_the_window_is_measured_again_too(cast: Cast) -> None:
    """B7: above +5 mV the reading is invalid, measured again."""
    run = reading(cast)

    assert refused(run, cast, "3.657") == "measure_again"
    assert typed(run, cast, "3.657", first="3.657").data["voltage_v"] == 3.657


def test_a_cell_counts_once_unless_it_is_a_correction(cast: Cast) -> None:
    run = reading(cast)
    typed(run, cast, "3.641")

    assert refused(run, cast, "3.642", "1") == "read_already"
    again = typed(run, cast, "3.642", "1", corrects=True)

    assert again.data["corrects"] is True
    sheet = sheet_of(run)
    assert sheet is not None
    assert [(one.position, one.voltage_v) for one in sheet.read] == [(1, 3.642)]
    assert PersonAct.objects.count() == 2


def test_what_was_read_before_an_interruption_is_read_anew(cast: Cast) -> None:
    run = reading(cast)
    typed(run, cast, "3.641")
    Run.objects.filter(pk=run.pk).update(attempt=2)
    run.refresh_from_db()

    sheet = sheet_of(run)
    assert sheet is not None
    assert sheet.left == (1, 2, 3, 4)
    assert typed(run, cast, "3.641").data["attempt"] == 2


def test_a_figure_out_of_time_is_refused(cast: Cast) -> None:
    plain = reading(cast)
    Run.objects.filter(pk=plain.pk).update(step={"index": 1, "name": "connect"})

    assert refused(plain, cast, "3.641") == "step_not_now"
    Run.objects.filter(pk=plain.pk).update(state=RunState.STOPPING)
    assert refused(plain, cast, "3.641") == "run_not_running"


def test_nobody_types_at_a_bench_with_a_scanner(cast: Cast) -> None:
    plain = to_plain(program())
    run = factories.make_run(
        by=cast.tola, state=RunState.RUNNING, token=1, program=plain, step={"index": 0}
    )

    assert sheet_of(run) is None
    assert refused(run, cast, "3.641") == "step_not_now"


def test_a_stranger_types_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        read_cell(run=reading(cast), volts="3.64", by=cast.stranger, now=NOON)


def test_a_station_with_a_hand_held_meter_takes_checks_and_no_capacity_test(cast: Cast) -> None:
    """B9: never what empties cells."""
    station = factories.make_station(by_hand=True, load=True)
    job = factories.make_job(by=cast.tola)
    bottom = factories.make_job(
        by=cast.tola, recipe_version=factories.make_bottom_recipe(by=cast.sade)
    )
    claim_job(job=job, station=station, by=cast.tola, now=NOON)
    looks = [s for s in plan(job, station).plain["steps"] if s["type"] == "Measure"]
    assert all(step["by_hand"] for step in looks)

    assert "'led'" not in str(looks)
    scanned = plan(job, factories.make_station())
    assert "by_hand" not in str(scanned.plain)
    with pytest.raises(Refusal, match="no scanner"):
        claim_job(job=bottom, station=station, by=cast.tola, now=NOON)


def test_preflight_asks_no_hand_held_meter_who_it_is_but_for_its_certificate() -> None:
    """G7: it measures, so it is calibrated."""
    meter = Registered("manual", "Fluke 87V", "123")

    found = preflight_problems(
        registered=[meter],
        found=[],
        planned_end=NOON,
        simulated_expected=False,
        simulated=False,
    )

    assert [problem.code for problem in found] == ["calibration_ends"]
