"""An alert path is green only once somebody received the test; runs alone are told of (F4)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from shop import clock, tasks
from shop.alerts.queries import last_arrived_at, unsent
from shop.alerts.services import confirm_check, send_check, tell_runs
from shop.audit.models import AuditEntry
from shop.equipment.models import StationLease
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.factories import NOON


@pytest.fixture(autouse=True)
def address(settings: Settings) -> str:
    settings.ALERT_EMAIL = "night@shop.example"
    return "night@shop.example"


def code_in(mail: EmailMessage) -> str:
    found = re.search(r"code (\d{6})", str(mail.subject))
    assert found
    return found.group(1)


def test_who_received_the_test_says_its_code(cast: Cast, mailoutbox: list[EmailMessage]) -> None:
    check = send_check(by=cast.tola, now=NOON)
    assert (check.error, last_arrived_at()) == ("", None)  # a mail server took it, no more

    confirm_check(check=check, code=code_in(mailoutbox[0]), by=cast.tola, now=NOON)

    assert mailoutbox[0].to == ["night@shop.example"]
    assert last_arrived_at() == NOON
    assert AuditEntry.objects.filter(kind="ALERT_CHECKED", by=cast.tola).count() == 1


def test_another_address_must_be_tried_anew(
    cast: Cast, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    check = send_check(by=cast.tola, now=NOON)
    confirm_check(check=check, code=code_in(mailoutbox[0]), by=cast.tola, now=NOON)

    settings.ALERT_EMAIL = "other@shop.example"

    assert last_arrived_at() is None


def test_a_wrong_code_is_refused_and_soon_no_code_counts(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    check = send_check(by=cast.tola, now=NOON)
    right = code_in(mailoutbox[0])
    for _ in range(5):
        with pytest.raises(Refusal, match="not the code"):
            confirm_check(check=check, code="x", by=cast.tola, now=NOON)

    with pytest.raises(Refusal, match="not the code"):
        confirm_check(check=check, code=right, by=cast.tola, now=NOON)
    assert last_arrived_at() is None


def test_a_code_is_good_for_an_hour(cast: Cast, mailoutbox: list[EmailMessage]) -> None:
    check = send_check(by=cast.tola, now=NOON)

    with pytest.raises(Refusal):
        confirm_check(
            check=check,
            code=code_in(mailoutbox[0]),
            by=cast.tola,
            now=NOON + timedelta(minutes=61),
        )


def test_without_an_address_no_test_is_sent(cast: Cast, settings: Settings) -> None:
    settings.ALERT_EMAIL = ""

    with pytest.raises(Refusal, match="ALERT_EMAIL"):
        send_check(by=cast.tola, now=NOON)


def test_a_mail_server_that_is_away_is_said(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert "refused" in send_check(by=cast.tola, now=NOON).error.lower()


def test_a_run_alone_that_goes_wrong_is_told_of_once(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    alone = factories.make_run(
        by=cast.tola, state=RunState.TRIPPED, attended=False, cause="probe 3 at 47.5 °C"
    )
    factories.make_run(by=cast.tola, state=RunState.TRIPPED)  # somebody was there

    assert (tell_runs(now=NOON), tell_runs(now=NOON)) == (1, 0)

    (mail,) = mailoutbox
    assert f"run {alone.pk}, tripped" in mail.subject
    assert "probe 3 at 47.5 °C" in mail.body


def test_an_alert_that_could_not_be_sent_is_sent_later(
    cast: Cast, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.ERROR, attended=False)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert tell_runs(now=NOON) == 0
    assert list(unsent(NOON)) == [run]  # until then no other run is left alone

    settings.EMAIL_BACKEND = works

    assert tell_runs(now=NOON) == 1
    assert len(mailoutbox) == 1
    assert not unsent(NOON)


def test_a_run_of_yesterday_that_nobody_was_told_of_keeps_no_night_back(cast: Cast) -> None:
    over = factories.make_run(by=cast.tola, state=RunState.ERROR, attended=False)
    Run.objects.filter(pk=over.pk).update(ended_at=NOON - timedelta(hours=25))

    assert not unsent(NOON)


def test_a_newer_test_that_could_not_be_sent_takes_the_green_back(
    cast: Cast, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    check = send_check(by=cast.tola, now=NOON)
    confirm_check(check=check, code=code_in(mailoutbox[0]), by=cast.tola, now=NOON)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert send_check(by=cast.tola, now=NOON + timedelta(hours=1)).error

    assert last_arrived_at() is None

    settings.EMAIL_BACKEND = works
    again = send_check(by=cast.tola, now=NOON + timedelta(hours=2))
    assert last_arrived_at() is None  # sent, and not yet seen
    confirm_check(check=again, code=code_in(mailoutbox[1]), by=cast.tola, now=again.sent_at)
    assert last_arrived_at() == again.sent_at


def test_an_alert_says_what_is_known_of_the_output(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, attended=False)
    StationLease.objects.filter(station=run.station).update(
        output_state="ON", alarm="the output is not proven off after 3 tries"
    )

    tell_runs(now=NOON)

    (mail,) = mailoutbox
    assert "Its output is on: the output is not proven off after 3 tries" in mail.body


def test_a_run_that_cannot_be_judged_keeps_no_alert_of_another_back(
    cast: Cast, mailoutbox: list[EmailMessage]
) -> None:
    broken = factories.make_run(by=cast.tola, state=RunState.INTERRUPTED, program={"resume": []})
    Run.objects.filter(pk=broken.pk).update(journal_closed_at=NOON)
    StationLease.objects.filter(station=broken.station).update(output_state="OFF")
    alone = factories.make_run(by=cast.tola, state=RunState.ERROR, attended=False, now=clock.now())

    with pytest.raises(AttributeError):
        tasks.reap()

    (mail,) = mailoutbox
    assert f"run {alone.pk}, error" in mail.subject
