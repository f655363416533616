"""B6: lead sets of stations, planned against, and what each run and commissioning measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from shop.equipment.models import Station
from shop.equipment.services import record_commissioning
from shop.jobs.planning import plan
from shop.jobs.states import RunState
from shop.leads.models import LeadFitting, LeadSet
from shop.leads.queries import fitted, leads_at, measured
from shop.leads.rules import mm2_of_awg
from shop.leads.services import fit_leads, register_lead_set
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.faults.tampering import change
from tests.faults.verified import first_fault, verify
from tests.played import play_run
from tests.shop.equipment.reports import document_of


def made(cast: Cast, label: str = "L-1", awg: int = 10, end: str = "ring_6") -> LeadSet:
    return register_lead_set(
        label=label, gauge_mm2=mm2_of_awg(awg), length_m=1.5, end=end, by=cast.sade, now=NOON
    )


def fit(cast: Cast, station: Station, lead_set: LeadSet, hours: float = 0.0) -> LeadFitting:
    now = NOON + timedelta(hours=hours)
    return fit_leads(station=station, lead_set=lead_set, by=cast.tola, now=now)


def test_the_newest_fitting_counts_for_station_and_set(cast: Cast) -> None:
    first, second = factories.make_station(), factories.make_station()
    thick, thin = made(cast), made(cast, "L-2", awg=14)
    fit(cast, first, thin)
    fit(cast, first, thick)
    assert fitted([first, second]) == {first.pk: thick}

    fit(cast, second, thick)

    assert fitted([first, second]) == {second.pk: thick}
    assert leads_at(first) is None


def test_a_plan_above_what_the_leads_carry_is_refused(cast: Cast) -> None:
    """ "Cables rated for the bank current" [B]: 14.4 A are planned on an RD6018."""
    station = factories.make_station()
    job = factories.make_job(by=cast.tola)
    assert plan(job, station)
    fit(cast, station, made(cast, "thin", awg=16))
    with pytest.raises(Refusal, match=r"rated for 0 A, and 14\.4"):
        plan(job, station)
    fit(cast, station, made(cast, "clips", end="clip"))
    with pytest.raises(Refusal, match="end in clips"):
        plan(job, station)

    fit(cast, station, made(cast))

    assert plan(job, station)


def test_leads_are_not_changed_while_a_run_lives(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.RUNNING, token=1)

    with pytest.raises(Refusal, match="is running a job"):
        fit(cast, run.station, made(cast))

    assert not LeadFitting.objects.exists()


def test_a_technician_fits_and_only_a_supervisor_registers(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        register_lead_set(
            label="L-9", gauge_mm2=6.0, length_m=1.0, end="ring_6", by=cast.tola, now=NOON
        )
    made(cast)
    with pytest.raises(Refusal, match="already"):
        made(cast)


def test_what_runs_and_commissionings_measured_is_shown_and_stays_with_its_set(cast: Cast) -> None:
    """From the sealed records of what was done while the set lay there."""
    station = factories.make_station(now=NOON)
    thick, other = made(cast), made(cast, "L-2")
    fit(cast, station, thick, hours=-1.0)
    record_commissioning(station=station, document=document_of(station), by=cast.tola, now=NOON)
    cells, ended_at = factories.make_cells(4), NOON + timedelta(hours=9)
    run = play_run(by=cast.tola, cells=cells, station=station, ended_at=ended_at)
    fit(cast, station, other, hours=10.0)

    by_run, by_bench = measured(thick)

    assert (by_run.run, by_run.station) == (run.pk, station.slug)
    assert by_run.milliohm == pytest.approx(5.0, rel=0.2)  # the model's leads
    assert (by_bench.run, by_bench.at) == (None, NOON)
    assert measured(other) == []


def test_sets_and_fittings_are_evidence(cast: Cast) -> None:
    """T4: append-only, and repeated in the audit."""
    lead_set = made(cast, awg=14)
    fitting = fit(cast, factories.make_station(), lead_set)
    for row in (fitting, made(cast, "L-2")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            row.delete()
    assert "all of it is what it was" in verify()

    change(LeadSet, lead_set.pk, gauge_mm2=10.0)

    assert "LeadSet" in first_fault()
