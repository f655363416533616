"""Alerts are raised once each, whoever reminds and however often (B8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from shop.packs.services import assemble_pack
from shop.shelf.models import Alert
from shop.shelf.queries import shelf, standing_alerts
from shop.shelf.services import remind
from shop.tasks import remind as remind_task
from tests import factories
from tests.cast import Cast, the_cast
from tests.race import race
from tests.shop.packs.factories import Bank, approve, make_bank, make_capacity, make_design

STOPPED = factories.NOON
HOUR = timedelta(hours=1)


def approved_bank(cast: Cast) -> Bank:
    made = make_bank(by=cast.tola, stopped=STOPPED)
    for cell in made.cells:
        make_capacity(cell)
    approve(made.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    return made


def kinds() -> list[str]:
    return list(Alert.objects.order_by("due_at").values_list("kind", flat=True))


def test_each_reminder_is_written_once(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)

    for minutes in (1, 2, 119, 121, 122, 211, 212, 500):
        remind(now=STOPPED + timedelta(minutes=minutes))

    assert kinds() == ["STOPPED", "WAITING", "RECHECK_DUE"]
    raised = Alert.objects.order_by("due_at").values_list("raised_at", "due_at", "run")
    assert [(r - STOPPED, d - STOPPED) for r, d, _ in raised] == [
        (timedelta(minutes=1), timedelta(0)),
        (timedelta(minutes=121), 2 * HOUR),
        (timedelta(minutes=211), 3.5 * HOUR),
    ]
    assert {run for _, _, run in raised} == {bank.run.pk}


def test_a_beat_that_was_away_says_everything_when_it_returns(cast: Cast) -> None:
    make_bank(by=cast.tola, stopped=STOPPED)

    assert len(remind(now=STOPPED + 6 * HOUR)) == 3
    assert remind(now=STOPPED + 6 * HOUR) == []


def test_says_nothing_without_a_policy_or_a_bank(cast: Cast) -> None:
    assert remind(now=STOPPED) == []
    factories.make_policy(by=cast.sade)
    assert remind(now=STOPPED) == []


def test_the_board_shows_the_newest_of_a_bank_for_a_day(cast: Cast) -> None:
    make_bank(by=cast.tola, stopped=STOPPED)
    remind(now=STOPPED + 4 * HOUR)

    assert [alert.kind for alert in standing_alerts(now=STOPPED + 5 * HOUR)] == ["RECHECK_DUE"]
    assert standing_alerts(now=STOPPED + 29 * HOUR) == []


def test_a_bank_that_went_on_a_bench_again_is_quiet(cast: Cast) -> None:
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    remind(now=STOPPED + HOUR)
    job = factories.make_job(by=cast.tola, cells=bank.cells)
    factories.make_run(by=cast.tola, job=job, token=1)

    assert standing_alerts(now=STOPPED + 2 * HOUR) == []
    assert remind(now=STOPPED + 5 * HOUR) == []


def test_the_shelf_is_read_in_the_same_few_queries(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        make_bank(by=cast.tola, stopped=STOPPED)

    with django_assert_max_num_queries(19):
        assert len(shelf(now=STOPPED + HOUR)) == 12


@pytest.mark.django_db(transaction=True)
def test_a_placed_bank_is_off_the_shelf_and_quiet() -> None:
    cast = the_cast()
    bank = approved_bank(cast)
    remind(now=STOPPED + HOUR)

    assemble_pack(
        serial="P-1",
        design=make_design(),
        cells=bank.cells,
        customer=None,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=STOPPED + HOUR,
    )

    assert shelf(now=STOPPED + HOUR) == []
    assert standing_alerts(now=STOPPED + HOUR) == []
    assert remind(now=STOPPED + 5 * HOUR) == []
    assert kinds() == ["STOPPED"]


@pytest.mark.django_db(transaction=True)
def test_two_that_remind_at_once_write_one_row() -> None:
    make_bank(by=the_cast().tola, stopped=STOPPED)

    def contender(_: int) -> list[Alert]:
        return remind(now=STOPPED + HOUR)

    race([contender] * 4)

    assert kinds() == ["STOPPED"]


def test_the_task_has_the_name_that_beat_sends(cast: Cast) -> None:
    from deploy.celery import app

    sent = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert remind_task.name in sent
