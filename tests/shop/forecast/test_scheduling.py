"""“Ready by 06:00” as the shop works it out: for who stays, and for a run left alone (F6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop import clock
from shop.forecast import queries
from shop.forecast.finishing import problems
from shop.forecast.scheduling import scheduled, terms_of
from shop.jobs.models import Job
from shop.jobs.policies import Policy
from shop.jobs.terms import Terms
from shop.refusals import Refusal
from stations.planner.hours import Stop
from stations.values import Window
from tests import factories
from tests.cast import Cast


@pytest.fixture
def job(cast: Cast) -> Job:
    factories.make_policy(by=cast.sade)
    station = factories.make_station(now=clock.now())
    return factories.make_job(by=cast.tola, claimed_at=station, now=clock.now())


def asked(job: Job, *, hours: float, attended: bool = False) -> Terms:
    now = clock.now()
    return terms_of(
        job,
        attended=attended,
        not_before=None,
        ready_by=now + timedelta(hours=hours),
        rested_v=3.36,
        policy=Policy(),
        now=now,
    )


def test_ready_by_gives_the_start_by_the_slow_end_of_the_hours(job: Job) -> None:
    terms = asked(job, hours=48)

    assert terms.ready_by is not None
    assert terms.not_before is not None
    assert timedelta(hours=1) < terms.ready_by - terms.not_before < timedelta(hours=24)


def test_what_can_no_longer_be_ready_in_time_says_when_it_could_be(job: Job) -> None:
    with pytest.raises(Refusal, match="which has passed") as refusal:
        asked(job, hours=0.1)

    assert "Begun now it is ready by" in refusal.value.problems[0].fix


@pytest.mark.parametrize("attended", [True, False])
def test_what_does_not_come_to_its_end_is_ready_by_no_time(
    job: Job, monkeypatch: pytest.MonkeyPatch, attended: bool
) -> None:
    """Leads of 60 mohm let 5 A of 14.4 A through."""
    monkeypatch.setattr(queries, "leads_known", lambda station: Window(0.060, 0.060))

    with pytest.raises(Refusal, match="limited by the leads: 60 mΩ let") as refusal:
        asked(job, hours=400, attended=attended)

    (problem,) = refusal.value.problems
    assert problem.code == "unfinished"
    assert "thicker, shorter leads or sense wires" in problem.fix


def test_a_time_limit_is_named_with_what_to_do_about_it() -> None:
    stop = Stop("limited by its time: 81 h at 40.0 A", by_time=True)

    (problem,) = problems(stop, "left alone")

    assert "cannot be left alone" in problem.words
    assert "more current or a longer limit" in problem.fix
    assert problems(None, "left alone") == []


def test_alone_its_output_goes_on_a_quarter_later_for_hands_come_before(job: Job) -> None:
    """The same end: with somebody the run begins by then, alone everything is joined by then."""
    assert job.station is not None
    now = clock.now()
    plan = scheduled(
        job,
        job.station,
        ready_by=now + timedelta(hours=48),
        attended=False,
        policy=Policy(),
        now=now,
        rested_v=3.36,
    )

    first = plan.calls[0]
    assert (first.earliest, first.latest) == (now, plan.begin_at)
    assert plan.drives_at == plan.begin_at + timedelta(minutes=15)

    with_somebody = asked(job, hours=48, attended=True).not_before
    alone = asked(job, hours=48).not_before
    assert with_somebody is not None
    assert alone is not None
    assert timedelta(minutes=14) < alone - with_somebody < timedelta(minutes=16)
