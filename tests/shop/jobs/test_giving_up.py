"""A run whose bench host is lost for good ends on a supervisor's word, and only then (F4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from shop import clock
from shop.audit.models import AuditEntry
from shop.equipment.models import StationLease
from shop.jobs import reaper
from shop.jobs.giving_up import CONFIRMATIONS, give_up, lost_problems
from shop.jobs.models import Run
from shop.jobs.rules.acting import lost_problems as problems_of
from shop.jobs.services.starts import start_run
from shop.jobs.states import JobState, RunState
from shop.people.models import User
from shop.quality.models import Nonconformance
from shop.readings.models import Manifest, ReadingChunk
from shop.readings.uplink import Uplink
from shop.refusals import Refusal, RoleRefusal
from stations.bench import BenchLost
from tests import factories
from tests.api.clients import Api, logged_in, text
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.jobs.shop_bench import shop_bench
from tests.shop.readings.sessions import leased_run, session_of, take
from tests.wait import wait_until

LATER = NOON + timedelta(hours=3)
SAID = {"seen_off": True, "parted": True, "words": "The host burned."}


def lost_run(cast: Cast, *, heard_at: datetime = NOON) -> Run:
    """Interrupted, its output unknown, its journal on a disk that is gone."""
    run = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, token=3)
    lease = StationLease.objects.filter(station=run.station)
    lease.update(
        owner="0f0e0d0c-0b0a-4908-8706-050403020100",
        run=run,
        token=3,
        expires_at=heard_at,
        heartbeat_at=heard_at,
        output_state="UNKNOWN",
    )
    return run


def given_up(
    run: Run,
    by: User,
    *,
    confirmed: Iterable[str] = CONFIRMATIONS,
    words: str = "The host burned.",
    now: datetime = LATER,
) -> Run:
    return give_up(run=run, confirmed=set(confirmed), words=words, by=by, now=now)


def test_the_run_ends_its_job_and_station_are_free_and_the_audit_says_who_saw_what(
    cast: Cast,
) -> None:
    run = lost_run(cast)

    given_up(run, cast.sade)

    run.refresh_from_db()
    lease = StationLease.objects.get(station=run.station)
    assert (run.state, run.job.state, run.job.claimed_by) == ("ERROR", JobState.CLAIMED, cast.tola)
    assert run.cause == "The bench was lost; Sade saw its output off: The host burned."
    assert (lease.owner, lease.output_state, lease.output_at) == (None, "SEEN_OFF", LATER)
    assert not run.run_cells.filter(active=True).exists()
    assert Manifest.objects.get(run=run).body["outcome"]["state"] == "ERROR"
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.by, entry.data["run"]) == ("RUN_GIVEN_UP", cast.sade, run.pk)
    assert entry.data["confirmed"] == list(CONFIRMATIONS.values())
    assert run.events.get(kind="given_up").data["output_before"] == "UNKNOWN"


def test_a_new_run_waits_for_the_guardians_proof(cast: Cast) -> None:
    run = given_up(lost_run(cast), cast.sade)

    with pytest.raises(Refusal, match="is not proven off: seen off by a person"):
        start_run(job=run.job, by=cast.tola, now=LATER)


def test_a_trip_that_the_bench_had_told_is_not_forgotten(cast: Cast) -> None:
    run = lost_run(cast)
    run.events.create(job_id=run.job_id, kind="bench_trip", at=NOON, data={"reason": "3.71 V"})

    given_up(run, cast.sade)

    run.refresh_from_db()
    assert (run.state, run.cause) == (RunState.TRIPPED, "3.71 V")
    assert Nonconformance.objects.filter(run=run).count() == 4


@pytest.mark.parametrize("confirmed", [(), ("seen_off",), ("parted",)])
def test_both_confirmations_are_asked_for_and_nothing_is_written_without(
    cast: Cast, confirmed: tuple[str, ...]
) -> None:
    run = lost_run(cast)

    with pytest.raises(Refusal, match="Nobody has confirmed") as caught:
        given_up(run, cast.sade, confirmed=confirmed, words=" ")

    assert caught.value.problems[-1].about == "words"
    run.refresh_from_db()
    assert run.state == RunState.INTERRUPTED
    assert not AuditEntry.objects.exists()


def test_a_technician_may_not(cast: Cast) -> None:
    with pytest.raises(RoleRefusal, match="Ask a supervisor"):
        given_up(lost_run(cast), cast.tola)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "RUNNING"}, "run_not_lost"),
        ({"state": "ERROR"}, "run_not_lost"),
        ({"is_held": True}, "lease_held"),
        ({"silent_for": timedelta(minutes=119)}, "bench_heard"),
        ({"goes_on": True}, "run_goes_on"),
        ({}, ""),
    ],
)
def test_a_bench_counts_as_lost_only_when_nobody_holds_or_hears_it(
    changes: dict[str, object], code: str
) -> None:
    asked: dict[str, object] = {
        "state": "INTERRUPTED",
        "is_held": False,
        "silent_for": timedelta(hours=2),
        "silent_least": timedelta(hours=2),
        "goes_on": False,
    }

    found = problems_of(**asked | changes)  # type: ignore[arg-type]

    assert [problem.code for problem in found] == ([code] if code else [])


def test_the_policy_says_how_long_the_bench_was_silent_and_the_lease_must_have_lapsed(
    cast: Cast,
) -> None:
    run = lost_run(cast)
    assert [p.code for p in lost_problems(run, now=NOON + timedelta(minutes=119))] == [
        "bench_heard"
    ]

    factories.make_policy(by=cast.sade, bench_lost_s=3600.0)
    assert lost_problems(run, now=NOON + timedelta(minutes=61)) == []

    future = clock.now() + timedelta(hours=1)
    StationLease.objects.filter(station=run.station).update(expires_at=future)
    assert [p.code for p in lost_problems(run, now=LATER)] == ["lease_held"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_a_bench_that_comes_back_adds_nothing_to_what_was_sealed(settings: Settings) -> None:
    """It was only cut off: its uplink has the journal half read, its output is on."""
    settings.LEASE_RENEW_S = 0.0
    with shop_bench(alive=False) as bench:
        run, uplink = leased_run(bench), Uplink(bench.station)
        with session_of(bench, run) as session:
            take(session, 3)
            uplink._cut = type(uplink._cut)(samples_max=2, wait_s=0.0)
            uplink.tick()
            stored = ReadingChunk.objects.get(run=run).last_seq
            take(session, 6)
            StationLease.objects.update(expires_at=clock.now() - timedelta(hours=1))
            reaper.reap(now=clock.now())

            given_up(run, bench.cast.sade, now=clock.now() + timedelta(hours=3))
            uplink.tick()

            with pytest.raises(BenchLost):  # its authority is gone: off, and it hangs up
                wait_until(lambda: session.next() is None, period_s=0.0)
            uplink.tick()
        run.refresh_from_db()
        assert run.state == RunState.ERROR
        assert ReadingChunk.objects.get(run=run).last_seq == stored
        assert Manifest.objects.get(run=run).body["readings"]["count"] == stored
        assert StationLease.objects.get(station=bench.station).owner is None


def test_the_page_asks_a_supervisor_and_tells_a_technician_whom_to_ask(cast: Cast) -> None:
    run = lost_run(cast, heard_at=clock.now() - timedelta(hours=3))
    path, sade = f"/runs/{run.pk}", logged_in(cast.sade)
    assert "Ask a supervisor to see the output off" in text(logged_in(cast.tola).get(path))
    assert CONFIRMATIONS["seen_off"] in text(sade.get(path))

    refused = sade.post(f"{path}/give-up", {"words": "Burned.", "confirmed": "parted", "once": "a"})
    both = {"words": "Burned.", "confirmed": list(CONFIRMATIONS), "once": "b"}
    done = sade.post(f"{path}/give-up", both)

    assert (refused.status_code, done.status_code) == (409, 303)
    assert "off on a person's word" in text(sade.get(path))
    assert "Given up, output seen off by a person" in text(sade.get(path))


def test_a_run_that_was_heard_of_says_why_it_is_not_given_up(cast: Cast, client: Client) -> None:
    run = lost_run(cast, heard_at=clock.now() - timedelta(minutes=5))
    client.force_login(cast.sade)

    shown = text(client.get(f"/runs/{run.pk}"))

    assert "The bench was heard of 5 min ago" in shown
    assert "Give this run up" not in shown


def test_by_rest_it_is_refused_in_words_and_done_by_a_supervisor(cast: Cast) -> None:
    run = lost_run(cast, heard_at=clock.now() - timedelta(hours=3))
    tola, sade = Api(logged_in(cast.tola)), Api(logged_in(cast.sade))
    path = f"runs/{run.pk}/give-up"

    assert tola.post(path, **SAID).status_code == 403
    assert sade.post(path, **SAID | {"seen_off": False}).status_code == 409
    assert sade.post(path, words="x").status_code == 400
    done = sade.post(path, **SAID)

    assert (done.status_code, done.json()["state"]) == (200, "ERROR")
    assert sade.post(path, **SAID).json()["problems"][0]["code"] == "run_not_lost"
