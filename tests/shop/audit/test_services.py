"""T4: the audit is one chain of signed entries, whoever writes and however many at once."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from shop.audit.models import AuditEntry
from shop.audit.services import record, record_visit
from shop.jobs.services.orders import release_job
from shop.signing.models import SigningKey
from shop.signing.services import ready
from tests import factories
from tests.cast import Cast, the_cast
from tests.race import race

NOW = factories.NOON
SHARED = AuditEntry.Kind.SHARED


def verify() -> str:
    said = StringIO()
    call_command("verify", stdout=said)
    return said.getvalue()


def test_entries_are_numbered_and_each_holds_the_one_before(cast: Cast) -> None:
    one, two = (
        record(kind=SHARED, by=cast.sade, now=NOW, data={"link": number}) for number in (1, 2)
    )

    assert (one.number, two.number) == (1, 2)
    assert two.prev_sha256 == one.sha256
    assert "2 audit entries" in verify()


def test_a_supervisor_who_takes_back_a_claim_is_told_of(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    release_job(job=job, by=cast.sade, now=NOW)

    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.by, entry.at) == ("CLAIM_TAKEN_BACK", cast.sade, NOW)
    assert entry.data == {"job": job.pk, "held_by": cast.tola.pk}


def test_a_claim_that_its_holder_gives_back_is_nobodys_override(cast: Cast) -> None:
    job = factories.make_job(by=cast.tola, claimed_at=factories.make_station())

    release_job(job=job, by=cast.tola, now=NOW)

    assert not AuditEntry.objects.exists()


def test_a_replaced_key_is_told_of_with_who_did_it(cast: Cast) -> None:
    ready(SigningKey.Purpose.APPROVALS)
    record(kind=SHARED, by=cast.sade, now=NOW)
    retired = SigningKey.objects.get().key_id

    call_command("new_signing_key", "audit", retired, "it was on a stick", stdout=StringIO())

    entry = AuditEntry.objects.get(kind="KEY_REPLACED")
    assert entry.data["record"]["key"] == retired
    assert entry.data["operator"]
    assert entry.key is not None
    assert entry.key.key_id == entry.data["key"] != retired
    verify()


def test_a_log_in_goes_on_without_the_key_and_the_walk_names_it(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have to stop a run."""
    monkeypatch.setattr(settings, "CELLSHOP_KEYS", tmp_path)
    ready(SigningKey.Purpose.AUDIT)
    (tmp_path / "audit.pem").unlink()

    record_visit(kind=AuditEntry.Kind.LOGGED_IN, by=cast.tola, now=NOW, address="10.0.0.7")

    said = StringIO()
    with pytest.raises(CommandError):
        call_command("verify", stdout=said)
    assert "number 1 is not signed" in said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain_without_a_hole() -> None:
    by = the_cast().sade

    def writer(number: int) -> int:
        at = NOW + timedelta(seconds=number)
        return record(kind=SHARED, by=by, now=at, data={"link": number}).number

    race([writer] * 4, rounds=10)

    assert list(AuditEntry.objects.values_list("number", flat=True)) == list(range(1, 41))
    assert "40 audit entries" in verify()
