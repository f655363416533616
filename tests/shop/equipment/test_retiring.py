"""A station is renamed, or retired: no job any more, and its evidence as it was (F1)."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from api.reads import board
from shop.audit.models import AuditEntry
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Station, StationLease, StationRetirement
from shop.equipment.retiring import rename_station, retire_station
from shop.equipment.rules.registering import Named
from shop.equipment.states import OutputState
from shop.jobs.models import Job, Run
from shop.jobs.services.orders import claim_job
from shop.jobs.states import JobState, RunState
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.race import race


def retire(station: Station, cast: Cast, *, seen_off: bool = False) -> StationRetirement:
    return retire_station(
        station=station, words="The bench is sold.", by=cast.sade, now=NOON, seen_off=seen_off
    )


def refused(station: Station, cast: Cast) -> list[str]:
    with pytest.raises(Refusal) as caught:
        retire(station, cast)
    assert all(problem.fix for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


def test_a_station_gets_another_name_and_keeps_its_short_one(cast: Cast) -> None:
    station = factories.make_station(slug="bench-9")

    rename_station(station=station, name=" By the door ", by=cast.sade, now=NOON)

    stored = Station.objects.get(pk=station.pk)
    assert (stored.slug, stored.name) == ("bench-9", "By the door")
    entry = AuditEntry.objects.get(kind="STATION_RENAMED")
    assert (entry.data["from"], entry.data["record"]["name"]) == ("Bench", "By the door")
    for name in ("", "x" * 101, "two\nlines"):
        with pytest.raises(Refusal):
            rename_station(station=station, name=name, by=cast.sade, now=NOON)
    with pytest.raises(RoleRefusal):
        rename_station(station=station, name="Mine", by=cast.tola, now=NOON)


def test_a_retired_station_takes_no_job_and_no_instrument_and_keeps_its_runs(cast: Cast) -> None:
    station = factories.make_station()
    run = factories.make_run(by=cast.tola, station=station, state=RunState.FINISHED)
    Job.objects.filter(pk=run.job_id).update(state=JobState.DONE)
    meter = station.instruments.get(role="meter")

    retire(station, cast)

    job = factories.make_job(by=cast.tola)
    with pytest.raises(Refusal, match="is retired: it takes no jobs"):
        claim_job(job=job, station=station, by=cast.tola, now=NOON)
    job.refresh_from_db()
    assert job.state == JobState.OPEN
    with pytest.raises(Refusal, match="is retired"):
        register_instruments(
            station=station,
            named=[Named("load", "itech_it8514c", "L-77")],
            by=cast.sade,
            now=NOON,
        )
    assert take_off(instrument=meter, words="Elsewhere.", by=cast.sade, now=NOON).station is None
    assert Run.objects.get(pk=run.pk).station == station
    assert AuditEntry.objects.filter(kind="STATION_RETIRED").count() == 1
    assert refused(station, cast) == ["station_retired"]


def test_a_station_with_a_job_or_its_output_on_is_not_retired(cast: Cast) -> None:
    claimed = factories.make_station()
    factories.make_job(by=cast.tola, claimed_at=claimed)
    busy = factories.make_run(by=cast.tola).station
    on = factories.make_station(output=OutputState.ON)

    assert refused(claimed, cast) == ["job_claimed"]
    assert refused(busy, cast) == ["station_busy"]
    assert refused(on, cast) == ["output_on"]
    assert not StationRetirement.objects.exists()


def test_a_station_in_doubt_is_retired_only_by_one_who_saw_its_output_off(cast: Cast) -> None:
    lost = factories.make_station(output=OutputState.UNKNOWN)
    assert refused(lost, cast) == ["output_unknown"]

    retire(lost, cast, seen_off=True)

    assert StationLease.objects.get(station=lost).output_state == OutputState.SEEN_OFF
    entry = AuditEntry.objects.get(kind="STATION_RETIRED")
    assert (entry.data["seen_off"], entry.data["output_before"]) == (True, "UNKNOWN")


def test_an_output_that_is_on_is_not_retired_whatever_somebody_saw(cast: Cast) -> None:
    on = factories.make_station(output=OutputState.ON)

    with pytest.raises(Refusal, match="is on"):
        retire(on, cast, seen_off=True)


def test_a_station_that_was_never_heard_of_and_one_seen_off_may_be_retired(cast: Cast) -> None:
    mistyped = factories.make_station(output=OutputState.UNKNOWN)
    StationLease.objects.filter(station=mistyped).update(heartbeat_at=None)
    burnt = factories.make_station(output=OutputState.SEEN_OFF)

    assert retire(mistyped, cast).station == mistyped
    assert retire(burnt, cast).station == burnt


@pytest.mark.parametrize("output", [OutputState.ON, OutputState.UNKNOWN])
def test_the_board_shows_a_retired_station_whose_output_is_not_off(
    cast: Cast, output: OutputState
) -> None:
    station = factories.make_station()
    retire(station, cast)
    assert board.stations(now=NOON) == []

    StationLease.objects.filter(station=station).update(output_state=output)

    assert [shown.station for shown in board.stations(now=NOON)] == [station]


def test_it_takes_a_supervisor_and_a_reason_and_stays(cast: Cast) -> None:
    station = factories.make_station()
    with pytest.raises(RoleRefusal):
        retire_station(station=station, words="Sold.", by=cast.tola, now=NOON)
    with pytest.raises(Refusal, match="with a reason"):
        retire_station(station=station, words=" ", by=cast.sade, now=NOON)

    made = retire(station, cast)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        made.delete()


@pytest.mark.django_db(transaction=True)
def test_a_station_is_claimed_or_retired_and_never_both(cast: Cast) -> None:
    rounds = 5
    stations = [factories.make_station() for _ in range(rounds)]
    jobs = [factories.make_job(by=cast.tola) for _ in range(rounds)]

    def claims(number: int) -> bool:
        try:
            claim_job(job=jobs[number], station=stations[number], by=cast.tola, now=NOON)
        except Refusal:
            return False
        return True

    def retires(number: int) -> bool:
        try:
            retire(stations[number], cast)
        except Refusal:
            return False
        return True

    for number, done in enumerate(race([claims, retires], rounds=rounds)):
        assert sum(done) == 1
        assert Job.objects.filter(station=stations[number]).exists() == done[0]
