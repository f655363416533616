"""Sending alerts by mail, and trying out whether they arrive (F4)."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F

from shop.alerts.models import AlertCheck, RunAlert
from shop.alerts.queries import unsent
from shop.audit import services as audit
from shop.audit.models import AuditEntry
from shop.equipment.states import OUTPUT_WORDS
from shop.jobs.models import Run
from shop.jobs.states import RUN_WORDS
from shop.people.models import User
from shop.people.roles import Act, require
from shop.refusals import Problem, Refusal

log = logging.getLogger(__name__)

CODE_DIGITS = 6
CODE_LIVES = timedelta(hours=1)
TRIES_MAX = 5


def send_check(*, by: User, now: datetime) -> AlertCheck:
    """Send a test alert with a code to the shop's address; the row says how that went.

    Raises Refusal where no address is set.
    """
    require(by.role, Act.START)
    if not settings.ALERT_EMAIL:
        raise Refusal([no_address()])
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    check = AlertCheck.objects.create(
        address=settings.ALERT_EMAIL, code_sha256="", sent_at=now, sent_by=by
    )
    check.code_sha256 = _hashed(check, code)
    check.error = _sent(
        f"Cellshop: test alert, code {code}",
        f"This is a test. Say the code {code} on the page “Alerts” within an hour: it shows that "
        "an alert of a run that nobody stays with would have reached you.",
    )
    check.save(update_fields=["code_sha256", "error"])
    return check


def confirm_check(*, check: AlertCheck, code: str, by: User, now: datetime) -> AlertCheck:
    """Whoever received the test alert says its code; a wrong or late one is refused."""
    require(by.role, Act.START)
    tried = AlertCheck.objects.filter(pk=check.pk, tries__lt=TRIES_MAX, confirmed_at=None)
    right = hmac.compare_digest(_hashed(check, code.strip()), check.code_sha256)
    if not tried.update(tries=F("tries") + 1) or now - check.sent_at > CODE_LIVES or not right:
        raise Refusal(
            [
                Problem(
                    "wrong_code",
                    "That is not the code of this test, or it is too old or was tried too often.",
                    "Send a new test and type the code that arrives.",
                )
            ]
        )
    with transaction.atomic():
        AlertCheck.objects.filter(pk=check.pk).update(confirmed_at=now, confirmed_by=by)
        data = {"check": check.pk, "address": check.address}
        audit.record(kind=AuditEntry.Kind.ALERT_CHECKED, by=by, now=now, data=data)
    check.refresh_from_db()
    return check


def tell_runs(*, now: datetime) -> int:
    """Mail what unattended runs have come to, each state once; how many were told.

    What cannot be sent now is tried again at the next beat.
    """
    if not settings.ALERT_EMAIL:
        return 0
    told = 0
    for run in unsent(now).select_related("station__lease"):
        error = _sent(f"Cellshop: run {run.pk}, {RUN_WORDS[run.state]}", _words(run))
        if error:
            log.error("run %s: its alert could not be sent: %s", run.pk, error)
            continue
        RunAlert.objects.get_or_create(
            run=run,
            attempt=run.attempt,
            state=run.state,
            defaults={"address": settings.ALERT_EMAIL, "sent_at": now},
        )
        told += 1
    return told


def _words(run: Run) -> str:
    """What the run has come to, and whether somebody has to see to its output."""
    why = run.cause or "no reason told"
    words = f"Run {run.pk} at {run.station.name}, {RUN_WORDS[run.state]}: {why}"
    lease = getattr(run.station, "lease", None)
    if lease is None:
        return words
    alarm = f": {lease.alarm}" if lease.alarm else "."
    return f"{words}\n\nIts output is {OUTPUT_WORDS[lease.output_state]}{alarm}"


def no_address() -> Problem:
    return Problem(
        "no_alert_address",
        "No address for alerts is set, so nobody would hear of a run that goes wrong.",
        "Set ALERT_EMAIL and EMAIL_URL, then send a test on the page “Alerts”.",
    )


def _sent(subject: str, words: str) -> str:
    """What went wrong, or ""."""
    try:
        taken = send_mail(subject, words, settings.DEFAULT_FROM_EMAIL, [settings.ALERT_EMAIL])
    except (SMTPException, OSError) as error:
        return str(error)[:300] or type(error).__name__
    return "" if taken else "the mail server took nothing"


def _hashed(check: AlertCheck, code: str) -> str:
    return hashlib.sha256(f"{check.pk}:{code}".encode()).hexdigest()
