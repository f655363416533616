"""T4: an audit that was edited or cut is found, and what it tells of and is not there."""

from __future__ import annotations

import pytest

from shop.audit.models import AuditEntry
from shop.audit.services import record
from shop.equipment.models import CalibrationWithdrawal, Commissioning
from shop.equipment.services import record_commissioning
from shop.evidence.canonical import sha256_of
from shop.evidence.models import Supersession
from shop.evidence.taking_back import supersede, withdraw
from shop.jobs.models import Run
from shop.quality.models import Disposition
from shop.quality.services import open_nonconformance
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.tampering import change, remove
from tests.faults.verified import APPROVED, approved_run, first_fault, verify
from tests.shop.equipment.reports import document_of


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    """A finished run of four cells, played; its cells are approved."""
    return approved_run(cast)


@pytest.fixture
def taken_back(run: Run, cast: Cast) -> Supersession:
    """The second entry of three in the audit."""
    record(kind=AuditEntry.Kind.SHARED, by=cast.sade, now=APPROVED, data={"link": 1})
    back = supersede(record=run.balance, words="A lead was loose.", by=cast.sade, now=APPROVED)
    calibration = run.station.instruments.get(role="meter").calibrations.get()
    withdraw(calibration=calibration, words="Dropped.", by=cast.kemi, now=APPROVED)
    return back


def entry(number: int) -> AuditEntry:
    return AuditEntry.objects.get(number=number)


def test_an_untouched_audit_is_well(taken_back: Supersession) -> None:
    assert "3 audit entries" in verify()


@pytest.mark.parametrize("recomputed", [False, True])
def test_an_edited_entry_is_named(taken_back: Supersession, cast: Cast, recomputed: bool) -> None:
    row = entry(1)

    change(AuditEntry, row.pk, by=cast.bayo)
    if recomputed:
        row.refresh_from_db()
        assert row.key is not None
        change(AuditEntry, row.pk, sha256=sha256_of(row.body(row.key.named)))

    words = "does not hold" if recomputed else "is not what its hash says"
    assert first_fault().startswith(f"AuditEntry {row.pk}: number 1 ")
    assert words in first_fault()


def test_an_entry_that_was_cut_out_is_missed(taken_back: Supersession) -> None:
    following = entry(2).pk

    remove(AuditEntry, entry(1).pk)

    assert first_fault() == (
        f"AuditEntry {following}: number 2 where 1 should follow: an entry is missing"
    )


def test_an_entry_that_was_cut_out_and_closed_up_breaks_the_chain(
    taken_back: Supersession,
) -> None:
    remove(AuditEntry, entry(1).pk)
    for number in (2, 3):
        change(AuditEntry, entry(number).pk, number=number - 1)

    assert "does not follow the entry before it: the hashes differ" in first_fault()


def test_a_supersession_that_vanished_is_missed(taken_back: Supersession) -> None:
    """Otherwise what was taken back would count again."""
    remove(Supersession, taken_back.pk)

    assert first_fault() == f"Supersession {taken_back.pk}: the audit has it and it is not there"


def test_an_edited_reason_is_named(taken_back: Supersession) -> None:
    change(Supersession, taken_back.pk, words="All is well.")

    assert first_fault() == (
        f"Supersession {taken_back.pk}: is not as the audit has it: it was changed"
    )


def test_an_edited_commissioning_is_named(taken_back: Supersession, cast: Cast) -> None:
    """Otherwise bad leads would become good ones."""
    station = taken_back.balance.run.station if taken_back.balance else factories.make_station()
    document = document_of(station)
    made = record_commissioning(station=station, document=document, by=cast.tola, now=APPROVED)
    verify()

    change(Commissioning, made.pk, document=made.document.replace('"panel_a":1.8', '"panel_a":1.9'))

    assert first_fault() == (f"Commissioning {made.pk}: is not as the audit has it: it was changed")


def test_a_withdrawal_that_vanished_is_missed(taken_back: Supersession) -> None:
    gone = CalibrationWithdrawal.objects.get()

    remove(CalibrationWithdrawal, gone.pk)

    assert first_fault().startswith(f"CalibrationWithdrawal {gone.pk}: the audit has it")


def test_a_disposition_that_nobody_made_is_named(run: Run, cast: Cast) -> None:
    """Otherwise a word in the database would let a quarantined cell into a pack."""
    cell = run.run_cells.order_by("position")[0].cell
    note = open_nonconformance(cell=cell, kind="OTHER", words="Swollen.", now=APPROVED)
    forged = Disposition.objects.create(
        nonconformance=note, decision="USE_AS_IS", by=cast.sade, at=APPROVED, words="Fine."
    )

    assert first_fault() == f"Disposition {forged.pk}: nobody made it: the audit does not have it"
