"""T1, T2: a customer sees one pack by an unguessable link, without names, until it is revoked."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import pytest
from django.db import connection

from shop.cells.models import Cell
from shop.equipment.models import Calibration
from shop.evidence.models import ResistanceTest
from shop.evidence.taking_back import withdraw
from shop.jobs.states import RunState
from shop.packs.models import Pack
from shop.packs.services import assemble_pack
from shop.quality.services import dispose, open_nonconformance
from shop.readings.models import Manifest
from shop.readings.queries import Curve
from shop.refusals import RoleRefusal, StaleTransition
from shop.trace import queries
from shop.trace.models import TraceLink
from shop.trace.queries import trace_curve, trace_pack
from shop.trace.services import revoke, share
from shop.trace.values import PackTrace
from tests import factories
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import approve, charge, make_bank, make_capacity, make_design

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


@pytest.fixture
def pack(cast: Cast) -> Pack:
    """Four cells of a bank of six, in a pack of Ife's."""
    bank = make_bank(by=cast.tola, stopped=STOPPED, cells=factories.make_cells(6))
    cells = bank.cells[:4]
    for cell in bank.cells:
        make_capacity(cell)
    approve(bank.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    return assemble_pack(
        serial="P-1",
        design=make_design(),
        cells=cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=NOW,
    )


def resistance(
    cell: Cell, cast: Cast, *, at: datetime, mohm: float, sha256: str = "0" * 64
) -> ResistanceTest:
    run = factories.make_run(
        by=cast.tola, job=factories.make_job(by=cast.tola, cells=[cell]), state=RunState.FINISHED
    )
    return ResistanceTest.objects.create(
        cell=cell,
        run=run,
        r_mohm=mohm,
        u_mohm=0.002,
        after_s=10.0,
        early_after_s=2.0,
        current_a=100.0,
        rested_v=3.3,
        low_mohm=0.1,
        warn_mohm=0.5,
        fail_mohm=0.8,
        verdict="PASS",
        tested_at=at,
        manifest_sha256=sha256,
        simulated=False,
        recorded_at=at,
    )


def test_a_cells_resistance_is_the_newest_before_assembly(pack: Pack, cast: Cast) -> None:
    cell = pack.placements.get(position=2).cell
    for days, mohm in ((-3, 0.40), (-2, 0.32), (1, 0.60)):
        resistance(cell, cast, at=NOW + timedelta(days=days), mohm=mohm)

    cells = seen(pack, cast).cells

    assert [c.resistance_mohm for c in cells] == [None, 0.32, None, None]
    assert cells[1].resistance_after_s == 10.0


def test_a_resistance_under_a_withdrawn_certificate_is_not_told(pack: Pack, cast: Cast) -> None:
    cell = pack.placements.get(position=2).cell
    sealed = Manifest.objects.first()
    assert sealed is not None
    resistance(cell, cast, at=NOW - timedelta(days=2), mohm=0.40)
    resistance(cell, cast, at=NOW - timedelta(days=1), mohm=0.32, sha256=sealed.sha256)
    assert seen(pack, cast).cells[1].resistance_mohm == 0.32
    (meter,) = [one for one in sealed.body["instruments"] if one["role"] == "meter"]
    certificate = Calibration.objects.get(instrument__serial_number=meter["serial_number"])

    withdraw(calibration=certificate, words="wrong range", by=cast.sade, now=NOW)

    assert seen(pack, cast).cells[1].resistance_mohm == 0.40


def seen(pack: Pack, cast: Cast) -> PackTrace:
    trace = trace_pack(share(pack=pack, by=cast.bayo, now=NOW))
    assert trace is not None
    return trace


def test_the_secret_is_long_told_once_and_stored_as_a_hash(cast: Cast, pack: Pack) -> None:
    first, second = (share(pack=pack, by=cast.tola, now=NOW) for _ in range(2))

    assert first != second
    assert len(first) >= 32  # 192 bits in base64
    assert not TraceLink.objects.filter(secret_sha256__in=[first, second]).exists()
    assert trace_pack(first) == trace_pack(second)


def test_cells_that_were_charged_alone_are_told_together(cast: Cast) -> None:
    """B12: what went into all of the pack, and the worst tail."""
    record = charge(at=STOPPED, charge_ah=5.0, tail_a=0.2)
    bank = make_bank(by=cast.tola, stopped=STOPPED, method="TOP_CELL", record=record)
    for cell in bank.cells:
        make_capacity(cell)
    approve(bank.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    pack = assemble_pack(
        serial="P-2",
        design=make_design(),
        cells=bank.cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=NOW,
    )

    trace = seen(pack, cast)

    assert "top-balanced to 3.65 V" in trace.why[0]
    [balance] = trace.balances
    assert (balance.method, balance.charge_ah, balance.tail_a) == ("TOP_CELL", 20.0, 0.2)


def test_says_that_the_pack_is_valid_and_what_to_set(cast: Cast, pack: Pack) -> None:
    trace = seen(pack, cast)

    assert trace.valid
    assert "top-balanced to 3.65 V" in trace.why[0]
    assert (trace.advice.pack_low_v, trace.advice.pack_high_v) == (13.8, 14.0)
    assert trace.advice.bms_over_voltage_v == 3.60
    assert trace.application == "solar storage"


def test_shows_cells_checks_instruments_and_versions(cast: Cast, pack: Pack) -> None:
    trace = seen(pack, cast)

    assert [cell.position for cell in trace.cells] == [1, 2, 3, 4]
    first = trace.cells[0]
    assert (first.capacity_ah, first.disconnect_v, first.disconnect_age_s) == (200.0, 3.641, 120.0)
    balance = trace.balances[0]
    assert (balance.tail_a, balance.done_a, balance.charge_ah) == (0.98, 1.0, 41.5)
    assert (balance.recipe_version, balance.software) == (1, "cellshop 0.1.0")
    assert balance.serials == tuple(cell.serial for cell in trace.cells)
    assert trace.run_ids == (balance.run_id,)
    assert {use.role for use in trace.instruments} == {"supply", "meter", "scanner"}
    assert all(use.certificate for use in trace.instruments)


def test_names_no_staff_and_no_other_cell(cast: Cast, pack: Pack) -> None:
    shown = str(asdict(seen(pack, cast))).lower()

    names = {name for p in (cast.tola, cast.bayo, cast.sade) for name in (p.username, p.words)}
    assert not [name for name in names if name.lower() in shown]
    placed = pack.placements.values_list("cell_id", flat=True)
    others = [
        cell.serial
        for cell in pack.placements.first().cell.runs.get().cells.exclude(pk__in=placed)  # type: ignore[union-attr]
    ]
    assert len(others) == 2
    assert not [serial for serial in others if serial.lower() in shown]


@pytest.mark.parametrize("secret", ["", "guess", "x" * 10_000, "\ud800"])
def test_an_unknown_secret_opens_nothing(cast: Cast, pack: Pack, secret: str) -> None:
    assert trace_pack(secret) is None
    assert trace_curve(secret, 1, 100) is None


def test_a_revoked_link_opens_nothing_and_is_revoked_once(cast: Cast, pack: Pack) -> None:
    secret = share(pack=pack, by=cast.tola, now=NOW)
    link = TraceLink.objects.get()
    with pytest.raises(RoleRefusal):
        revoke(link=link, by=cast.tola, now=NOW)

    revoke(link=link, by=cast.sade, now=NOW)

    assert trace_pack(secret) is None
    with pytest.raises(StaleTransition):
        revoke(link=link, by=cast.sade, now=NOW)


def test_a_stranger_shares_nothing(cast: Cast, pack: Pack) -> None:
    with pytest.raises(RoleRefusal):
        share(pack=pack, by=cast.stranger, now=NOW)


def test_a_cell_under_review_makes_the_pack_doubtful_until_decided(cast: Cast, pack: Pack) -> None:
    placement = pack.placements.get(position=2)
    note = open_nonconformance(
        cell=placement.cell, kind="OTHER", words="Recall.", now=NOW + timedelta(days=1)
    )

    doubtful = seen(pack, cast)
    dispose(nonconformance=note, decision="USE_AS_IS", words="Not it.", by=cast.sade, now=NOW)

    assert not doubtful.valid
    assert placement.cell.serial in doubtful.why[0]
    assert "Recall" not in doubtful.why[0]
    assert seen(pack, cast).valid


def test_shows_the_pack_as_approved_whatever_becomes_of_a_cell(cast: Cast, pack: Pack) -> None:
    cells = [placement.cell for placement in pack.placements.order_by("position")]
    before = seen(pack, cast)

    make_bank(by=cast.tola, stopped=NOW + timedelta(days=9), cells=cells, volts=[3.63] * 4)

    assert seen(pack, cast) == before


def test_an_edited_approval_is_seen(cast: Cast, pack: Pack) -> None:
    """T4, as far as a link shows it: someone with the superuser's rights changed a voltage."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_approval DISABLE TRIGGER append_only")
        cursor.execute(
            "UPDATE shop_approval SET evidence = jsonb_set(evidence, '{disconnect,voltage_v}',"
            " '3650000') WHERE cell_id = %s",
            [pack.placements.get(position=3).cell_id],
        )
        cursor.execute("ALTER TABLE shop_approval ENABLE ALWAYS TRIGGER append_only")

    trace = seen(pack, cast)

    assert not trace.valid
    assert "was changed after it was approved" in trace.why[0]


def test_a_pack_without_its_decision_is_doubtful(cast: Cast) -> None:
    bare = Pack.objects.create(
        serial="P-9", design=make_design(), assembled_by=cast.bayo, assembled_at=NOW
    )

    trace = seen(bare, cast)

    assert not trace.valid
    assert trace.cells == ()


def test_the_curve_has_this_packs_cells_alone(
    cast: Cast, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = share(pack=pack, by=cast.bayo, now=NOW)
    run_id = seen(pack, cast).run_ids[0]
    drawn = Curve(STOPPED, 1, (0.0,), (3.6,), (3.6,), (1.0,), tuple((n,) for n in range(6)), ())
    monkeypatch.setattr(queries, "curve", lambda *_: drawn)

    shown = trace_curve(secret, run_id, 100)

    assert shown is not None
    assert shown.cells_v == ((0,), (1,), (2,), (3,))
    assert trace_curve(secret, run_id + 1, 100) is None
