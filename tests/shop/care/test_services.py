"""A pack in use: read, left alone on evidence, taken apart; its cells start anew, it stays told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shop.care import services
from shop.care.models import Disassembly, Recovery
from shop.care.queries import care_of
from shop.cells.models import Cell
from shop.evidence.queries import evidence_of
from shop.jobs import recipes
from shop.jobs.models import Job, RecipeVersion
from shop.jobs.services.orders import create_job
from shop.jobs.states import JobState
from shop.packs.models import Pack
from shop.packs.queries import unpacked_with_balance
from shop.packs.services import GateRefusal, assemble_pack
from shop.refusals import Refusal, RoleRefusal
from shop.shelf.queries import shelf
from shop.trace.queries import pack_trace
from tests import factories
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import approve, make_bank, make_capacity, make_design

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)
YEAR_ON = NOW + timedelta(days=365)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


@pytest.fixture
def pack(cast: Cast) -> Pack:
    factories.make_policy(by=cast.sade)
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    return packed("P-1", bank.cells, cast)


def packed(serial: str, cells: list[Cell], cast: Cast, *, stopped: datetime = STOPPED) -> Pack:
    for cell in cells:
        make_capacity(cell, tested_at=stopped - timedelta(days=1))
    approve(cells, by=cast.sade, now=stopped + timedelta(minutes=20))
    return assembled(serial, cells, cast, now=stopped + timedelta(hours=1))


def assembled(serial: str, cells: list[Cell], cast: Cast, *, now: datetime = NOW) -> Pack:
    return assemble_pack(
        serial=serial,
        design=make_design(),
        cells=cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=now,
    )


def read(pack: Pack, cast: Cast, spread_v: float = 0.25, **changes: object) -> None:
    values = {
        "cells_v": [3.45, 3.45 - spread_v, 3.44, 3.44],
        "at_top": True,
        "taken_at": YEAR_ON,
        "months": 12,
        "measured_by": "BMS app",
    }
    services.read_pack(pack=pack, by=cast.tola, now=YEAR_ON, **values | changes)  # type: ignore[arg-type]


def cells_of(pack: Pack) -> list[Cell]:
    return [p.cell for p in pack.placements.select_related("cell").order_by("position")]


def test_a_reading_is_judged_and_asks_for_its_course(pack: Pack, cast: Cast) -> None:
    """B15."""
    read(pack, cast)

    asks = care_of(pack).asks

    assert asks is not None
    assert (asks.course, "expect cells to be replaced" in asks.fix) == ("TAKE_APART", True)


def test_taken_apart_it_opens_the_jobs_and_keeps_its_history(pack: Pack, cast: Cast) -> None:
    """B15: a capacity test of every cell, a balance of all; the pack is told as it was."""
    read(pack, cast)
    test = factories.make_capacity_recipe(by=cast.sade)
    balance = factories.make_recipe_version(by=cast.sade)

    jobs = services.take_apart(
        pack=pack,
        words="Severe imbalance.",
        by=cast.sade,
        now=YEAR_ON,
        capacity_recipe=test,
        balance_recipe=balance,
    )

    assert [(job.kind, job.cells.count()) for job in jobs] == [
        *[("capacity_test", 1)] * 4,
        ("parallel_top_balance", 4),
    ]
    assert Recovery.objects.get().course == "TAKE_APART"
    trace = pack_trace(pack)
    assert [cell.position for cell in trace.cells] == [1, 2, 3, 4]
    assert not trace.valid
    assert "taken apart" in trace.why[0]


def test_what_was_measured_before_counts_no_more(pack: Pack, cast: Cast) -> None:
    cells = cells_of(pack)
    services.take_apart(pack=pack, words="Severe.", by=cast.sade, now=YEAR_ON)

    evidence = evidence_of(cells[0])

    assert (evidence.capacity, evidence.balance, evidence.disconnect) == (None, None, None)
    assert evidence.packed_in == ""
    assert not unpacked_with_balance().exists()
    assert shelf(now=YEAR_ON) == []
    with pytest.raises(GateRefusal) as refused:
        assembled("P-2", cells, cast)
    assert {"G2", "G3"} <= {problem.code for problem in refused.value.problems}


def test_tested_and_balanced_anew_its_cells_make_another_pack(pack: Pack, cast: Cast) -> None:
    cells = cells_of(pack)
    services.take_apart(pack=pack, words="Severe.", by=cast.sade, now=YEAR_ON)
    stopped = YEAR_ON + timedelta(days=3)
    make_bank(by=cast.tola, stopped=stopped, cells=cells)

    again = packed("P-2", cells, cast, stopped=stopped)

    assert cells_of(again) == cells
    assert [cell.serial for cell in pack_trace(pack).cells] == [cell.serial for cell in cells]


def test_a_pack_is_taken_apart_once_by_a_supervisor_with_a_reason(pack: Pack, cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        services.take_apart(pack=pack, words="Severe.", by=cast.tola, now=YEAR_ON)
    with pytest.raises(Refusal, match="reason"):
        services.take_apart(pack=pack, words=" ", by=cast.sade, now=YEAR_ON)
    services.take_apart(pack=pack, words="Severe.", by=cast.sade, now=YEAR_ON)
    with pytest.raises(Refusal, match="taken apart"):
        services.take_apart(pack=pack, words="Again.", by=cast.sade, now=YEAR_ON)
    with pytest.raises(Refusal, match="taken apart"):
        read(pack, cast)

    assert Disassembly.objects.count() == 1


def test_a_recipe_of_another_kind_is_refused_and_nothing_is_taken_apart(
    pack: Pack, cast: Cast
) -> None:
    recheck = factories.make_recheck_recipe(by=cast.sade)

    with pytest.raises(Refusal) as refused:
        services.take_apart(
            pack=pack,
            words="Severe.",
            by=cast.sade,
            now=YEAR_ON,
            capacity_recipe=recheck,
            balance_recipe=recheck,
        )

    codes = [problem.code for problem in refused.value.problems]
    assert codes == ["not_a_capacity_test", "not_a_balance"]
    assert not Disassembly.objects.exists()
    assert not Job.objects.filter(recipe_version=recheck).exists()


def test_a_pack_that_gave_its_rating_skips_a_further_balance(pack: Pack, cast: Cast) -> None:
    """B18: recorded as such, by a supervisor."""
    asked = {"pack": pack, "tested_at": NOW, "measured_by": "Load L-1", "now": YEAR_ON}
    with pytest.raises(RoleRefusal):
        services.skip_balance(capacity_ah=203.0, by=cast.tola, **asked)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="198"):
        services.skip_balance(capacity_ah=198.0, by=cast.sade, **asked)  # type: ignore[arg-type]

    services.skip_balance(capacity_ah=203.0, by=cast.sade, **asked)  # type: ignore[arg-type]

    (skip,) = care_of(pack).skips
    assert (skip.capacity_ah, skip.rated_ah) == (203.0, 200.0)


def test_a_mild_spread_opens_the_job_that_holds_the_pack(pack: Pack, cast: Cast) -> None:
    """B14: of the pack whole, its cells in it; once for a reading."""
    read(pack, cast, spread_v=0.08)
    recipe = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults(), by=cast.sade
    )
    reading = pack.readings.get()

    recovery = services.open_recovery(
        reading=reading, recipe_version=recipe, by=cast.tola, now=YEAR_ON
    )

    assert recovery.job is not None
    assert (recovery.course, recovery.job.pack) == ("HOLD", pack)
    assert recovery.job.cells.count() == 4
    with pytest.raises(Refusal, match="asks for no hold"):
        services.open_recovery(reading=reading, recipe_version=recipe, by=cast.tola, now=YEAR_ON)


def test_only_a_reading_that_asks_for_a_hold_opens_one(pack: Pack, cast: Cast) -> None:
    read(pack, cast, spread_v=0.25)
    recheck = factories.make_recheck_recipe(by=cast.sade)

    with pytest.raises(Refusal) as refused:
        services.open_recovery(
            reading=pack.readings.get(), recipe_version=recheck, by=cast.tola, now=YEAR_ON
        )

    assert [p.code for p in refused.value.problems] == ["no_hold_asked", "not_of_a_pack"]


def test_a_job_on_a_pack_is_no_job_on_loose_cells(pack: Pack, cast: Cast) -> None:
    recipe = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults(), by=cast.sade
    )

    with pytest.raises(Refusal) as refused:
        create_job(recipe_version=recipe, cells=cells_of(pack), by=cast.sade, now=YEAR_ON)

    assert {p.code for p in refused.value.problems} == {"whole_pack", "cell_in_pack"}


def hold_recipe(cast: Cast, hold_h: float = 5.0) -> RecipeVersion:
    numbers = recipes.pack_recovery.defaults() | {"hold_h": hold_h}
    return factories.make_recipe_of("pack_recovery", numbers, by=cast.sade)


def opened(pack: Pack, cast: Cast, recipe: RecipeVersion) -> Job:
    reading = pack.readings.order_by("-taken_at", "-id")[0]
    taken = services.open_recovery(
        reading=reading, recipe_version=recipe, by=cast.tola, now=YEAR_ON + timedelta(minutes=1)
    )
    assert taken.job is not None
    return taken.job


def test_a_hold_that_nobody_did_was_no_hold(pack: Pack, cast: Cast) -> None:
    """B14: only after an extended hold that was held is a pack taken apart at 150 mV."""
    read(pack, cast, spread_v=0.15)
    job = opened(pack, cast, hold_recipe(cast, 12.0))
    read(pack, cast, spread_v=0.15)

    asks = care_of(pack).asks
    assert asks is not None
    assert asks.course == "EXTENDED"

    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    asks = care_of(pack).asks
    assert asks is not None
    assert asks.course == "TAKE_APART"


def test_an_extended_hold_lasts_longer_than_a_hold(pack: Pack, cast: Cast) -> None:
    read(pack, cast, spread_v=0.15)

    with pytest.raises(Refusal) as refused:
        opened(pack, cast, hold_recipe(cast, 6.0))

    assert [p.code for p in refused.value.problems] == ["hold_too_short"]
    assert opened(pack, cast, hold_recipe(cast, 12.0)).pack == pack
