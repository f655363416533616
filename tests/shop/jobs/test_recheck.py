"""B8 through the shop: a re-check is a job like any other, and its evidence finds its cells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.evidence.models import Balance, VoltageCheck
from shop.evidence.policy import GatePolicy
from shop.evidence.queries import evidence_of
from shop.jobs.models import Run
from shop.jobs.planning import plan
from shop.jobs.policies import Policy
from shop.jobs.services.orders import claim_job, create_job
from shop.jobs.versions import store_recipe
from shop.packs.queries import judged, plan_of
from shop.quality.models import Nonconformance
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast
from tests.played import play_recheck, play_run
from tests.shop.packs.factories import make_design

NOON = factories.NOON
STOPPED_BY = NOON + timedelta(hours=4)


@pytest.fixture
def station(cast: Cast) -> Station:
    factories.make_policy(by=cast.sade)
    return factories.make_station(now=NOON)


@pytest.fixture
def bank(cast: Cast, station: Station) -> list[Cell]:
    """Four cells whose balance ended at noon."""
    cells = factories.make_cells(4)
    play_run(by=cast.tola, cells=cells, station=station, ended_at=NOON)
    return cells


def rechecked(
    cast: Cast, station: Station, cells: Sequence[Cell], hours: float = 5.0, **soc: float
) -> Run:
    at = NOON + timedelta(hours=hours)
    return play_recheck(by=cast.tola, cells=cells, station=station, began_at=at, **soc)


def test_a_job_of_the_recipe_is_a_recheck(cast: Cast, station: Station, bank: list[Cell]) -> None:
    recipe = store_recipe(
        name="Re-check", procedure="recheck", parameters={}, by=cast.sade, now=NOON
    )

    job = create_job(recipe_version=recipe, cells=bank, by=cast.tola, now=NOON)
    claim_job(job=job, station=station, by=cast.tola, now=NOON)
    program = plan(job, station).program

    check = VoltageCheck.objects.get(kind="DISCONNECT")
    assert (job.kind, program.name) == ("recheck", "re-check")
    assert [step.name for step in program.steps] == ["place", "recheck"]
    assert program.current_stopped is not None
    assert program.current_stopped.received_at == check.current_stopped_received_at


def test_a_passed_recheck_is_evidence_of_its_cells(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    run = rechecked(cast, station, bank)

    check = VoltageCheck.objects.get(kind="RECHECK")
    stopped = VoltageCheck.objects.get(kind="DISCONNECT").current_stopped_received_at
    assert (run.state, check.run, check.current_stopped_received_at) == ("FINISHED", run, stopped)
    assert {row.verdict for row in check.cells.all()} == {"PASS"}
    assert all(row.age_s is not None and row.age_s > 4 * 3600 for row in check.cells.all())
    assert Balance.objects.count() == 1  # a re-check is none
    known = evidence_of(bank[0])
    assert known.recheck is not None
    assert known.recheck.check_id == check.pk
    assert known.run_since is None  # no charge moved: the balance still counts
    assert not Nonconformance.objects.exists()


def test_the_first_failure_asks_for_the_hold_again_the_second_for_a_decision(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    rechecked(cast, station, bank, low=0.99)

    first = Nonconformance.objects.get()
    assert (first.cell, first.kind) == (bank[-1], "RECHECK_LOW")
    assert first.words.endswith("Tighten the links, repeat the hold, and check again.")

    rechecked(cast, station, bank, hours=7.0, low=0.99)

    second = Nonconformance.objects.order_by("pk").last()
    assert second is not None
    assert second.words.endswith("put it aside for a supervisor's decision.")


def test_two_banks_are_checked_together_at_the_age_of_the_older(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    others = factories.make_cells(2, batch=bank[0].batch)
    play_run(by=cast.tola, cells=others, station=station, ended_at=STOPPED_BY)

    run = rechecked(cast, station, [*bank, *others], hours=9.0)

    first = VoltageCheck.objects.filter(kind="DISCONNECT").order_by("current_stopped_at").first()
    check = VoltageCheck.objects.get(kind="RECHECK")
    assert first is not None
    assert check.current_stopped_received_at == first.current_stopped_received_at
    assert run.program is not None
    assert len(set(run.program["steps"][-1]["rule"]["banks"])) == 2


def test_refuses_cells_that_never_had_a_balance(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    new = factories.make_cells(1, batch=bank[0].batch)
    job = factories.make_job(
        by=cast.tola,
        cells=[*bank, *new],
        recipe_version=factories.make_recheck_recipe(by=cast.sade),
        claimed_at=station,
    )

    with pytest.raises(Refusal, match="Nobody knows when current stopped in cell") as caught:
        plan(job, station)

    assert [problem.code for problem in caught.value.problems] == ["never_parted"]


def test_refuses_one_cell_without_its_neighbours(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    others = factories.make_cells(2, batch=bank[0].batch)
    play_run(by=cast.tola, cells=others, station=station, ended_at=STOPPED_BY)
    job = factories.make_job(
        by=cast.tola,
        cells=[*bank, others[0]],
        recipe_version=factories.make_recheck_recipe(by=cast.sade),
        claimed_at=station,
    )

    with pytest.raises(Refusal, match="Cell 5 is the only one of its bank"):
        plan(job, station)


@pytest.mark.parametrize(
    ("procedure", "parameters", "words"),
    [
        ("recheck", {"target_v": 3.6}, "'target_v' is not known"),
        ("recheck", {"early_fail_v": 0.01}, "'early_warn_v' must not exceed 'early_fail_v'"),
        ("recheck", {"floor_v": 3.6}, "outside 3.3 … 3.45"),
        ("parallel_top_balance", {"floor_v": 3.34}, "'floor_v' is not known"),
        ("alchemy", {}, "There is no procedure 'alchemy'"),
    ],
)
def test_a_recipe_is_read_by_its_own_procedure(
    cast: Cast, procedure: str, parameters: dict[str, float], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        store_recipe(name="X", procedure=procedure, parameters=parameters, by=cast.sade, now=NOON)


def test_a_recipe_keeps_its_procedure(cast: Cast) -> None:
    store_recipe(name="X", parameters={}, by=cast.sade, now=NOON)

    with pytest.raises(Refusal, match="of another procedure"):
        store_recipe(
            name="X", procedure="recheck", parameters={}, reason="r", by=cast.sade, now=NOON
        )


def test_a_fresh_passing_recheck_opens_the_gate_again(
    cast: Cast, station: Station, bank: list[Cell]
) -> None:
    """G5: stale after 4 h, fresh for 4 h after the re-check, then stale again."""
    design = make_design()

    def stale(hours: float) -> set[str]:
        asked = plan_of(design, bank, cast.bayo, simulated=True, sample=False)
        now = NOON + timedelta(hours=hours)
        found = judged(asked, bank, GatePolicy.of(Policy()), now).findings
        return {finding.verdict for finding in found if finding.rule == "G5"}

    assert stale(5.0) == {"fail"}
    rechecked(cast, station, bank)
    assert stale(5.1) == stale(9.0) == {"pass"}
    assert stale(9.1) == {"fail"}
