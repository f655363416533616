"""F7: nuts are counted from what was confirmed and placed; studs are recorded once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from shop.cells.models import StudFitting
from shop.cells.studs import fit_studs
from shop.evidence.handling import nut_handlings, over
from shop.evidence.queries import evidence_of
from shop.jobs.models import PersonAct, Run
from shop.jobs.planning import plan
from shop.jobs.recipes import (
    capacity_test,
    levelling,
    resistance_test,
    step_pause,
    top_balance,
)
from shop.packs.findings import Verdict
from shop.packs.models import Pack, Placement
from shop.packs.rules import is_allowed
from shop.refusals import Refusal
from stations.procedures.handling import LEFT, handled
from stations.procedures.steps import Instruct
from tests import factories
from tests.api.clients import Api, logged_in, text
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.packs.factories import make_design
from tests.shop.packs.gate import ask, bank

RECIPES = [
    ("parallel_top_balance", top_balance, 4, 2),
    ("step_pause_top_balance", step_pause, 4, 2),
    ("individual_top_balance", top_balance, 4, 2),
    ("levelling", levelling, 2, 2),
    ("capacity_test", capacity_test, 1, 2),
    ("resistance_test", resistance_test, 1, 2),
]


def confirm(run: Run, *steps: str) -> None:
    for step in steps:
        PersonAct.objects.create(
            run=run, kind="confirm", data={"step": step}, by=run.started_by, at=NOON
        )


@pytest.mark.parametrize(("procedure", "recipe", "cells", "turned"), RECIPES)
def test_a_plan_says_what_it_costs_each_cell_and_knows_all_its_steps_with_a_person(
    cast: Cast, procedure: str, recipe: object, cells: int, turned: int
) -> None:
    version = factories.make_recipe_of(procedure, recipe.defaults(), by=cast.sade)  # type: ignore[attr-defined]
    job = factories.make_job(
        by=cast.tola, recipe_version=version, cells=factories.make_cells(cells)
    )

    planned = plan(job, factories.make_station(load=True))

    assert planned.handlings == turned
    asked = [s.name for s in planned.program.steps if isinstance(s, Instruct)]
    assert all(handled(name, range(1, 5)) or name.split("-")[0] in LEFT for name in asked)


def test_each_confirmed_step_counts_once_for_each_cell_concerned(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola)
    first, second, *_ = (row.cell for row in run.run_cells.order_by("position"))
    assert nut_handlings([first.pk]) == {}

    confirm(run, "connect", "finish", "unlink", "connect-2")
    PersonAct.objects.create(run=run, kind="note", data={"step": "unlink"}, by=cast.tola, at=NOON)

    assert nut_handlings([first.pk, second.pk]) == {first.pk: 2, second.pk: 3}
    assert over([first.pk, second.pk], more=2, most=4) == {second.pk: 3}
    assert evidence_of(second).nut_handlings == 3


def test_being_built_in_counts_and_being_taken_out_again(cast: Cast) -> None:
    cells = factories.make_cells(2)
    pack = Pack.objects.create(
        serial="P-1", design=make_design(), assembled_by=cast.bayo, assembled_at=NOON
    )
    Placement.objects.create(pack=pack, cell=cells[0], position=1, placed_at=NOON)
    Placement.objects.create(pack=pack, cell=cells[1], position=2, placed_at=NOON, removed_at=NOON)

    assert nut_handlings([c.pk for c in cells]) == {cells[0].pk: 1, cells[1].pk: 2}


def test_the_evidence_that_is_approved_is_not_changed_by_handling(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola)
    cell = run.run_cells.first().cell  # type: ignore[union-attr]  # a run has cells
    seen = evidence_of(cell).sha256

    confirm(run, "connect")

    assert evidence_of(cell).sha256 == seen


def test_the_gate_warns_of_worn_posts_and_refitted_studs_and_blocks_nothing() -> None:
    worn = [replace(c, nut_handlings=13, stud_fittings=2) for c in bank()[:1]]
    cells = worn + [replace(c, nut_handlings=12, stud_fittings=1) for c in bank()[1:]]

    found = ask(cells)

    warned = [f for f in found if f.verdict == Verdict.WARNING]
    assert [(f.rule, f.cell, f.value) for f in warned] == [
        ("F7", "C-1", "13 times"),
        ("F7", "C-1", "2 times"),
    ]
    assert is_allowed(found)
    (passed,) = [f for f in ask(bank()) if f.rule == "F7"]
    assert "Of 4 cells nobody recorded the studs" in passed.words


def test_studs_are_recorded_once_and_again_only_with_a_reason(cast: Cast) -> None:
    (cell,) = factories.make_cells(1)
    with pytest.raises(Refusal, match="What holds the studs is not said"):
        fit_studs(cell=cell, thread_locker=" ", words="", by=cast.tola, now=NOON)

    fit_studs(cell=cell, thread_locker="red 271", words="", by=cast.tola, now=NOON)
    with pytest.raises(Refusal, match="why they are fitted again"):
        fit_studs(cell=cell, thread_locker="red 271", words="", by=cast.tola, now=NOON)
    fit_studs(cell=cell, thread_locker="red 271", words="One turned.", by=cast.tola, now=NOON)

    assert evidence_of(cell).stud_fittings == 2
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        StudFitting.objects.all().delete()


def test_the_cells_page_shows_handling_and_records_the_studs(cast: Cast, client: Client) -> None:
    run = factories.make_run(by=cast.tola)
    confirm(run, "connect", "unlink")
    cell = run.run_cells.first().cell  # type: ignore[union-attr]
    client.force_login(cast.tola)
    path = f"/cells/{cell.serial}"
    assert "Nuts turned 2 times; beyond 12, an estimate, the gate warns." in text(client.get(path))
    assert "Nobody recorded its studs" in text(client.get(path))

    refused = client.post(f"{path}/studs", {"thread_locker": "", "once": "a"})
    done = client.post(f"{path}/studs", {"thread_locker": "red 271", "once": "b"})

    assert (refused.status_code, done.status_code) == (409, 303)
    assert "thread-locker red 271" in text(client.get(path))
    assert "Why they are fitted again" in text(client.get(path))


def test_by_rest_the_same(cast: Cast) -> None:
    (cell,) = factories.make_cells(1)
    tola = Api(logged_in(cast.tola))

    made = tola.post(f"cells/{cell.serial}/studs", thread_locker="red 271")

    assert (made.status_code, made.json()["by"]) == (201, "tola")
    told = tola.get(f"cells/{cell.serial}").json()
    assert (told["nut_handlings"], told["studs"]) == (0, [made.json()])
    assert tola.post("cells/nobody/studs", thread_locker="x").status_code == 404


def test_the_jobs_page_says_what_the_run_costs_and_names_worn_cells(
    cast: Cast, client: Client
) -> None:
    factories.make_policy(by=cast.sade, nut_handlings_max=3)
    earlier = factories.make_run(by=cast.tola)
    confirm(earlier, "connect", "unlink")
    cells = [row.cell for row in earlier.run_cells.order_by("position")]
    job = factories.make_job(by=cast.tola, cells=cells, claimed_at=factories.make_station(now=NOON))
    client.force_login(cast.tola)

    shown = text(client.get(f"/jobs/{job.pk}"))

    assert "This run turns the nuts of each cell 2 times" in shown
    assert f"{cells[0].serial}, {cells[1].serial}" in shown
