"""F2: a technician claims a job at a station; nobody else can; start is a separate act."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from shop.audit.models import AuditEntry
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Station
from shop.equipment.queries import calibrations_in_force
from shop.equipment.rules.registering import Named
from shop.equipment.states import OutputState
from shop.jobs.models import Job, JobEvent, Run
from shop.jobs.services.orders import cancel_job, claim_job, create_job, release_job
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.people.models import User
from shop.refusals import Refusal, RoleRefusal, StaleTransition
from tests import factories
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.faults.matrix import Trial
from tests.race import race


def codes(caught: pytest.ExceptionInfo[Refusal]) -> list[str]:
    return [problem.code for problem in caught.value.problems]


def test_creates_an_open_job_with_its_cells_in_order(cast: Cast) -> None:
    recipe = factories.make_recipe_version(by=cast.sade)
    cells = factories.make_cells(4)

    job = create_job(recipe_version=recipe, cells=cells[::-1], by=cast.tola, now=NOON)

    assert job.state == JobState.OPEN
    placed = job.job_cells.order_by("position").values_list("position", "cell__serial")
    assert list(placed) == list(enumerate((c.serial for c in cells[::-1]), start=1))


def test_refuses_one_cell_scanned_twice_and_writes_nothing(cast: Cast) -> None:
    recipe = factories.make_recipe_version(by=cast.sade)
    cells = factories.make_cells(3)

    with pytest.raises(Refusal, match="more than once") as caught:
        create_job(recipe_version=recipe, cells=[*cells, cells[0]], by=cast.tola, now=NOON)

    assert codes(caught) == ["cell_twice"]
    assert not Job.objects.exists()


def test_refuses_cells_of_different_types_and_too_few(cast: Cast) -> None:
    recipe = factories.make_recipe_version(by=cast.sade)

    with pytest.raises(Refusal) as mixed:
        create_job(
            recipe_version=recipe,
            cells=factories.make_cells(2) + factories.make_cells(2),
            by=cast.tola,
            now=NOON,
        )
    with pytest.raises(Refusal) as few:
        create_job(recipe_version=recipe, cells=factories.make_cells(1), by=cast.tola, now=NOON)

    assert codes(mixed) == ["mixed_types"]
    assert codes(few) == ["cell_count"]


def test_a_claim_reserves_the_job_and_is_in_its_history(cast: Cast) -> None:
    job, station = factories.make_job(by=cast.sade), factories.make_station()

    claim_job(job=job, station=station, by=cast.tola, now=NOON)

    job.refresh_from_db()
    assert (job.state, job.station, job.claimed_by) == (JobState.CLAIMED, station, cast.tola)
    event = JobEvent.objects.get(job=job, kind="claimed")
    assert (event.by, event.at, event.data["station"]) == (cast.tola, NOON, station.slug)


def test_refuses_to_claim_a_job_that_is_not_open(cast: Cast) -> None:
    station = factories.make_station()
    job = factories.make_job(by=cast.bayo, claimed_at=station)

    with pytest.raises(Refusal, match="The job is claimed, not open"):
        claim_job(job=job, station=station, by=cast.tola, now=NOON)

    job.refresh_from_db()
    assert job.claimed_by == cast.bayo
    assert not JobEvent.objects.exists()


def test_refuses_to_claim_where_neither_scanner_nor_meter_reaches_each_cell(cast: Cast) -> None:
    """A router has the bank meter behind it, so that nobody leads it (B7)."""
    job = factories.make_job(by=cast.sade)
    station = factories.make_station(calibrated=False, router=True)
    station.instruments.get(role="scanner").delete()

    with pytest.raises(Refusal, match="no scanner") as caught:
        claim_job(job=job, station=station, by=cast.tola, now=NOON)

    assert codes(caught) == ["station_cannot"]


def test_refuses_every_act_to_someone_without_a_role(cast: Cast) -> None:
    job, station = factories.make_job(by=cast.sade), factories.make_station()

    with pytest.raises(RoleRefusal, match="may not claim"):
        claim_job(job=job, station=station, by=cast.stranger, now=NOON)
    with pytest.raises(RoleRefusal, match="may not start"):
        start_run(job=job, by=cast.stranger, now=NOON)

    job.refresh_from_db()
    assert job.state == JobState.OPEN


def test_the_holder_gives_a_claim_back_and_a_colleague_does_not(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    with pytest.raises(Refusal, match="Somebody else") as caught:
        release_job(job=job, by=cast.bayo, now=NOON)
    release_job(job=job, by=cast.tola, now=NOON)

    assert codes(caught) == ["not_the_holder"]
    job.refresh_from_db()
    assert (job.state, job.station, job.claimed_by) == (JobState.OPEN, None, None)


def test_a_supervisor_takes_a_claim_back(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    release_job(job=job, by=cast.sade, now=NOON)

    assert job.state == JobState.OPEN


def test_who_opened_a_job_cancels_it_and_a_colleague_does_not(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola)

    with pytest.raises(Refusal, match="Somebody else") as caught:
        cancel_job(job=job, words="Not mine.", by=cast.bayo, now=NOON)
    cancel_job(job=job, words=" The wrong cells. ", by=cast.tola, now=NOON)

    assert codes(caught) == ["not_the_holder"]
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    event = job.events.get(kind="cancelled")
    assert (event.by, event.data["words"]) == (cast.tola, "The wrong cells.")


def test_a_claim_is_cancelled_by_its_holder_or_a_supervisor(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())
    Job.objects.filter(pk=job.pk).update(claimed_by=cast.bayo)
    job.refresh_from_db()

    with pytest.raises(Refusal):
        cancel_job(job=job, words="I opened it.", by=cast.tola, now=NOON)
    cancel_job(job=job, words="The station is needed.", by=cast.sade, now=NOON)

    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED
    told = AuditEntry.objects.get(kind="CLAIM_TAKEN_BACK")
    assert (told.by, told.data) == (cast.sade, {"job": job.pk, "held_by": cast.bayo.pk})


def test_a_job_with_a_run_under_way_is_not_cancelled(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola)

    with pytest.raises(Refusal, match="Stop its run first") as caught:
        cancel_job(job=run.job, words="Enough.", by=cast.tola, now=NOON)

    assert codes(caught) == ["job_not_waiting"]


def test_a_job_that_was_started_meanwhile_is_not_cancelled_from_an_old_page(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())
    Job.objects.filter(pk=job.pk).update(state=JobState.IN_PROGRESS)

    with pytest.raises(StaleTransition):
        cancel_job(job=job, words="Too late.", by=cast.tola, now=NOON)


def test_a_claim_from_an_old_page_is_stale(cast: Cast) -> None:
    job, station = factories.make_job(by=cast.sade), factories.make_station()
    seen_before = Job.objects.get(pk=job.pk)
    claim_job(job=job, station=station, by=cast.tola, now=NOON)

    with pytest.raises(StaleTransition, match="somebody else was first"):
        claim_job(job=seen_before, station=station, by=cast.bayo, now=NOON)

    assert Job.objects.get(pk=job.pk).claimed_by == cast.tola


def test_a_start_queues_one_run_and_takes_the_job_in_progress(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    run = start_run(job=job, by=cast.tola, now=NOON)

    assert (run.state, run.job.state) == (RunState.QUEUED, JobState.IN_PROGRESS)
    assert run.run_cells.filter(active=True).count() == 4


def test_a_start_says_everything_that_stands_in_its_way(cast: Cast) -> None:
    station = factories.make_station(output=OutputState.UNKNOWN, calibrated=False)
    job = factories.make_job(by=cast.tola, claimed_at=station)
    factories.make_run(
        by=cast.bayo,
        job=factories.make_job(
            by=cast.bayo,
            cells=[jc.cell for jc in job.job_cells.all()],
            claimed_at=factories.make_station(),
            state=JobState.IN_PROGRESS,
        ),
    )
    assert not Run.objects.filter(job=job).exists()

    with pytest.raises(Refusal) as caught:
        start_run(job=job, by=cast.bayo, now=NOON)

    assert set(codes(caught)) == {
        "not_the_holder",
        "cell_busy",
        "output_not_off",
        "calibration_lapsed",
    }
    assert not Run.objects.filter(job=job).exists()


@pytest.mark.parametrize("role", ["supply", "meter"])
def test_refuses_a_start_where_an_instrument_was_taken_off_since_the_claim(
    cast: Cast, role: str
) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station()
    job = factories.make_job(by=cast.tola, claimed_at=station)
    gone = station.instruments.get(role=role)
    take_off(instrument=gone, words="To be calibrated.", by=cast.sade, now=NOON)

    with pytest.raises(Refusal, match=f"lacks a {role}|has no {role}"):
        start_run(job=job, by=cast.tola, now=NOON)

    assert not Run.objects.exists()


def test_a_relay_board_needs_no_calibration_to_start(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station()
    board = Named("relay", "waveshare_relay8", "unit-7")
    register_instruments(station=station, named=[board], by=cast.sade, now=NOON)
    job = factories.make_job(by=cast.tola, claimed_at=station)

    assert start_run(job=job, by=cast.tola, now=NOON).job == job


def test_refuses_a_start_the_second_after_calibration_lapsed(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(calibrated=False)
    for instrument in station.instruments.all():
        factories.calibrate(instrument, days=1.0)
    job = factories.make_job(by=cast.tola, claimed_at=station)

    with pytest.raises(Refusal, match="not calibrated"):
        start_run(job=job, by=cast.tola, now=NOON + timedelta(days=1, seconds=1))


@pytest.mark.fault("35", "calibration that ends within the plan", trials=20)
def test_refuses_a_start_whose_calibration_would_lapse_within_the_plan(
    cast: Cast, trial: Trial
) -> None:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(calibrated=False)
    for instrument in station.instruments.all():
        factories.calibrate(instrument, days=0.5 if instrument.role == "meter" else 365.0)
    job = factories.make_job(by=cast.tola, claimed_at=station)

    with pytest.raises(Refusal, match="the run may last until") as caught:
        start_run(job=job, by=cast.tola, now=NOON)

    trial.happened(station.instruments.get(role="meter").pk in calibrations_in_force(station, NOON))
    assert codes(caught) == ["calibration_ends"]
    assert not Run.objects.exists()


def test_refuses_a_second_start_of_the_same_job(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())
    start_run(job=job, by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match="The job is in progress, not claimed"):
        start_run(job=job, by=cast.tola, now=NOON)

    assert Run.objects.count() == 1


def test_refuses_a_second_run_on_a_station_that_is_never_driven_by_two(cast: Cast) -> None:
    """F3."""
    factories.make_policy(by=cast.sade)
    station = factories.make_station()
    first = factories.make_job(by=cast.tola, claimed_at=station)
    second = factories.make_job(by=cast.tola, claimed_at=station)
    start_run(job=first, by=cast.tola, now=NOON)

    with pytest.raises(Refusal) as caught:
        start_run(job=second, by=cast.tola, now=NOON)

    assert codes(caught) == ["station_busy"]


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins_200_of_200() -> None:
    cast = the_cast()
    station = factories.make_station()
    recipe = factories.make_recipe_version(by=cast.sade)
    cells = factories.make_cells(2)
    jobs = [
        factories.make_job(by=cast.sade, recipe_version=recipe, cells=cells) for _ in range(200)
    ]

    outcomes = race(
        [partial(_claims, jobs, station, by) for by in (cast.tola, cast.bayo)], rounds=len(jobs)
    )

    assert [sorted(pair) for pair in outcomes] == [[False, True]] * 200
    assert JobEvent.objects.filter(kind="claimed").count() == 200


def _claims(jobs: list[Job], station: Station, by: User, number: int) -> bool:
    """Whether `by` won the claim on job `number`, each read afresh as a request would."""
    try:
        claim_job(job=Job.objects.get(pk=jobs[number].pk), station=station, by=by, now=NOON)
    except Refusal:
        return False
    return True
