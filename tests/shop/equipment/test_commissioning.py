"""Reports of benches: taken in once, judged again, and what they allow (F1, F4, T4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop.audit.models import AuditEntry
from shop.equipment.models import (
    Calibration,
    CalibrationWithdrawal,
    Commissioning,
    Station,
)
from shop.equipment.queries import (
    certificates_of,
    certificates_of_newest,
    commissioned,
    newest_commissionings,
)
from shop.equipment.rules.commissioning import Commissioned, commissioning_problems
from shop.equipment.services import record_commissioning
from shop.refusals import Refusal, RoleRefusal
from stations.commissioning.figures import Figures, Tolerances
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.equipment.reports import document_of
from tests.stations.commissioning.made import BY, BY_LOAD, drew, good

HALF_A_YEAR = timedelta(days=182)
SERIALS = {"supply": "1", "meter": "2"}
SEEN = Commissioned(measured_at=NOON, passed=True, instruments=SERIALS)


def take(station: Station, cast: Cast, document: bytes | None = None) -> Commissioning:
    return record_commissioning(
        station=station, document=document or document_of(station), by=cast.tola, now=NOON
    )


def test_a_report_is_kept_word_for_word_and_told_to_the_audit(cast: Cast) -> None:
    station = factories.make_station()

    made = take(station, cast)

    assert made.document.encode() == document_of(station)
    assert (made.passed, made.measured_at, made.by) == (True, NOON, cast.tola)
    assert made.report.lead_milliohm == pytest.approx(5.0)
    entry = AuditEntry.objects.get(kind=AuditEntry.Kind.COMMISSIONED)
    assert entry.data["record"]["document"] == made.sha256


def test_the_same_report_again_changes_nothing(cast: Cast) -> None:
    station = factories.make_station()

    assert take(station, cast) == take(station, cast)

    assert Commissioning.objects.count() == AuditEntry.objects.count() == 1


def test_the_report_that_was_measured_last_counts(cast: Cast) -> None:
    station, other = factories.make_station(), factories.make_station()
    newer = take(station, cast)
    take(station, cast, document_of(station, at=NOON - timedelta(days=1)))

    newest = newest_commissionings([station, other])

    assert newest == {station.pk: newer}
    assert commissioned(newest.get(other.pk)) is None


def test_a_bench_that_did_not_pass_is_on_record_as_that(cast: Cast) -> None:
    station = factories.make_station()

    made = take(station, cast, document_of(station, figures=good(panel_a=18.0)))

    seen = commissioned(made)
    assert seen is not None
    assert not seen.passed


def test_a_check_that_was_broken_off_can_be_read(cast: Cast) -> None:
    station = factories.make_station()
    document = document_of(station, figures=Figures(target_v=3.65), ended="the meter fell silent")

    made = take(station, cast, document)

    assert (made.passed, made.report.ended) == (False, "the meter fell silent")


def test_what_is_not_a_report_of_this_station_is_refused_and_leaves_nothing(cast: Cast) -> None:
    station, other = factories.make_station(), factories.make_station()
    lax = replace(BY, tolerances=Tolerances(lead_max_ohm=1.0))
    ratings = replace(BY, supply=replace(BY.supply, current_max_a=180.0))
    for document, words in (
        (b"[]", "no report of a bench"),
        (document_of(other), "not of"),
        (document_of(station, instruments=()), "Only registered: meter"),
        (document_of(other, named=station.slug), "Only in the report: meter"),
        (document_of(station, at=NOON + timedelta(hours=1)), "not yet"),
        (document_of(station, judged_by=lax), "other tolerances"),
        (document_of(station, judged_by=ratings), "other tolerances"),
    ):
        with pytest.raises(Refusal, match=words):
            take(station, cast, document)

    assert not Commissioning.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_load_of_other_ratings_or_one_that_is_not_there_is_refused(cast: Cast) -> None:
    with_load, without = factories.make_station(load=True), factories.make_station()
    assert BY_LOAD.load is not None
    small = replace(BY_LOAD, load=replace(BY_LOAD.load, current_max_a=24.0))
    for station, by in ((with_load, small), (without, BY_LOAD)):
        with pytest.raises(Refusal, match="other tolerances"):
            take(station, cast, document_of(station, figures=drew(panel_a=1.2), by=by))


def test_a_report_of_before_the_load_was_tried_is_taken_and_tried_none(cast: Cast) -> None:
    station = factories.make_station(load=True)

    before = commissioned(take(station, cast))
    after = commissioned(take(station, cast, document_of(station, figures=drew(), by=BY_LOAD)))

    assert (before and before.tried_load, after and after.tried_load) == (False, True)


def test_a_report_is_told_with_the_certificates_of_when_it_was_measured(cast: Cast) -> None:
    station = factories.make_station(load=True)
    made = take(station, cast, document_of(station, at=NOON - timedelta(days=29)))
    early = take(station, cast, document_of(station, at=NOON - timedelta(days=31)))
    supply = station.instruments.get(role="supply")
    withdraw(supply.calibrations.get(), cast)

    told = {one.instrument.role: one.calibration for one in certificates_of(made)}

    meter = station.instruments.get(role="meter").calibrations.get()
    assert told.keys() == {"supply", "meter", "scanner", "load"}
    assert (told["meter"], told["supply"]) == (meter, None)
    assert {one.calibration for one in certificates_of(early)} == {None}
    assert certificates_of_newest(factories.make_station()) == []


def withdraw(calibration: Calibration, cast: Cast) -> None:
    CalibrationWithdrawal.objects.create(
        calibration=calibration, by=cast.sade, at=NOON, words="Drifted"
    )


def test_a_stranger_sends_nothing_in(cast: Cast) -> None:
    station = factories.make_station()

    with pytest.raises(RoleRefusal, match="may not commission"):
        record_commissioning(
            station=station, document=document_of(station), by=cast.stranger, now=NOON
        )


@pytest.mark.parametrize(
    ("seen", "age", "registered", "codes"),
    [
        (SEEN, HALF_A_YEAR, SERIALS, []),
        (SEEN, HALF_A_YEAR + timedelta(seconds=1), SERIALS, ["commissioning_old"]),
        (None, timedelta(0), SERIALS, ["not_commissioned"]),
        (replace(SEEN, passed=False), timedelta(0), SERIALS, ["commissioning_failed"]),
        (SEEN, timedelta(0), SERIALS | {"meter": "3"}, ["commissioned_other"]),
        (SEEN, timedelta(0), SERIALS | {"scanner": "3"}, ["commissioned_other"]),
        (SEEN, timedelta(0), {"supply": "1"}, ["commissioned_other"]),
    ],
)
def test_a_station_runs_unattended_only_with_a_valid_report_of_its_instruments(
    seen: Commissioned | None,
    age: timedelta,
    registered: dict[str, str],
    codes: list[str],
) -> None:
    found = commissioning_problems(
        seen, registered=registered, now=NOON + age, valid_for=HALF_A_YEAR
    )

    assert [problem.code for problem in found] == codes
    assert all("stations check" in problem.fix for problem in found)


@pytest.mark.parametrize(
    ("tried", "draws", "codes"),
    [(True, True, []), (False, True, ["load_not_commissioned"]), (False, False, [])],
)
def test_only_what_draws_needs_a_load_that_was_tried(
    tried: bool, draws: bool, codes: list[str]
) -> None:
    found = commissioning_problems(
        replace(SEEN, tried_load=tried),
        registered=SERIALS,
        now=NOON,
        valid_for=HALF_A_YEAR,
        draws=draws,
    )

    assert [problem.code for problem in found] == codes
