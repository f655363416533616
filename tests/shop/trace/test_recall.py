"""T5, G7: a pack that was built on what somebody took back is on the recall list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from shop.equipment.models import Calibration
from shop.evidence.models import CapacityTest, VoltageCheck
from shop.evidence.services.checks import record_voltage_check
from shop.evidence.taking_back import supersede, withdraw
from shop.packs.models import Pack
from shop.packs.services import assemble_pack
from shop.trace.queries import pack_trace
from shop.trace.recall import reasons_of, recall_list
from stations.values import OffProof
from tests import factories
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import (
    Bank,
    approve,
    make_bank,
    make_capacity,
    make_design,
    make_finished_run,
    results,
)

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return the_cast()


def bank_of(cast: Cast) -> Bank:
    made = make_bank(by=cast.tola, stopped=STOPPED)
    for cell in made.cells:
        make_capacity(cell)
    approve(made.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    return made


def packed(bank: Bank, cast: Cast, serial: str = "P-1", **when: timedelta) -> Pack:
    return assemble_pack(
        serial=serial,
        design=make_design(),
        cells=bank.cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=STOPPED + when.get("after", timedelta(hours=1)),
    )


def certificate(bank: Bank, role: str = "scanner") -> Calibration:
    return Calibration.objects.get(instrument__station=bank.run.station, instrument__role=role)


def listed() -> dict[str, list[str]]:
    return {r.pack.serial: [reason.words for reason in r.reasons] for r in recall_list()}


def test_a_pack_on_standing_evidence_is_not_recalled(cast: Cast) -> None:
    pack = packed(bank_of(cast), cast)
    packed(other := bank_of(cast), cast, "P-2")

    withdraw(calibration=certificate(other), words="Dropped.", by=cast.sade, now=LATER)

    assert reasons_of(pack) == ()
    assert list(listed()) == ["P-2"]


@pytest.mark.parametrize("role", ["scanner", "meter", "supply"])
def test_a_withdrawn_calibration_recalls_the_packs_that_rest_on_it(cast: Cast, role: str) -> None:
    bank = bank_of(cast)
    packed(bank, cast)
    known = certificate(bank, role)

    withdraw(calibration=known, words="9 mV off.", by=cast.sade, now=LATER)

    serial_number = known.instrument.serial_number
    words = f"Calibration {known.certificate} of {serial_number} was withdrawn: 9 mV off."
    assert listed() == {"P-1": [words]}


def test_a_certificate_that_covers_that_day_takes_the_pack_off_the_list(cast: Cast) -> None:
    bank = bank_of(cast)
    packed(bank, cast)
    withdraw(calibration=certificate(bank), words="Wrong lab.", by=cast.sade, now=LATER)
    assert listed()

    factories.calibrate(certificate(bank).instrument, now=STOPPED)

    assert listed() == {}


def test_superseded_evidence_recalls_the_packs_that_rest_on_it(cast: Cast) -> None:
    bank = bank_of(cast)
    packed(bank, cast)
    test = CapacityTest.objects.get(cell=bank.cells[0])
    assert bank.balance is not None

    supersede(record=bank.balance, words="A lead was loose.", by=cast.sade, now=NOW)
    supersede(record=test, words="Another cell's.", by=cast.sade, now=LATER)

    assert listed() == {
        "P-1": [
            f"Its capacity test {test.pk} was superseded: Another cell's.",
            f"Its balance {bank.balance.pk} was superseded: A lead was loose.",
        ]
    }


def test_a_test_that_the_pack_does_not_rest_on_recalls_nothing(cast: Cast) -> None:
    bank = bank_of(cast)
    older = make_capacity(bank.cells[0], 188.0, tested_at=STOPPED - timedelta(days=9))
    packed(bank, cast)

    supersede(record=older, words="A typing slip.", by=cast.sade, now=LATER)

    assert listed() == {}


def rechecked(bank: Bank, cast: Cast) -> VoltageCheck:
    """Five hours after current stopped, at a station of its own."""
    at = STOPPED + timedelta(hours=5)
    run, _ = make_finished_run(by=cast.tola, cells=bank.cells, began=at)
    type(run.job).objects.filter(pk=run.job_id).update(kind="recheck")
    return record_voltage_check(
        run=run,
        kind="RECHECK",
        meter=run.station.instruments.get(role="scanner"),
        target_v=3.65,
        results=results([3.42] * 4, stopped=STOPPED, age=timedelta(hours=5)),
        current_stopped=OffProof(STOPPED, STOPPED, 0.0),
        simulated=False,
        now=at + timedelta(minutes=1),
    )


def test_a_re_check_that_was_superseded_recalls_what_was_fresh_by_it(cast: Cast) -> None:
    bank = bank_of(cast)
    check = rechecked(bank, cast)
    packed(bank, cast, after=timedelta(hours=6))
    assert listed() == {}

    supersede(record=check, words="Read in the cold store.", by=cast.sade, now=LATER)

    assert list(listed()) == ["P-1"]


def test_the_meter_of_a_re_check_counts_too(cast: Cast) -> None:
    bank = bank_of(cast)
    check = rechecked(bank, cast)
    packed(bank, cast, after=timedelta(hours=6))

    known = check.meter.calibrations.get()
    withdraw(calibration=known, words="Dropped.", by=cast.sade, now=LATER)

    assert list(listed()) == ["P-1"]


def test_the_customer_is_told_without_names_or_reasons(cast: Cast) -> None:
    bank = bank_of(cast)
    pack = packed(bank, cast)
    assert pack_trace(pack).valid

    withdraw(calibration=certificate(bank), words="Bayo dropped it.", by=cast.sade, now=LATER)

    trace = pack_trace(pack)
    assert not trace.valid
    assert trace.why == (
        "What measured it is under review since 23 November 2026; the shop will contact you.",
    )


def test_the_list_takes_the_same_queries_for_many_packs(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        packed(bank := bank_of(cast), cast, f"P-{number}")
        assert bank.check is not None
        supersede(record=bank.check, words="Loose.", by=cast.sade, now=LATER)

    with django_assert_max_num_queries(7):
        assert len(recall_list()) == 3
