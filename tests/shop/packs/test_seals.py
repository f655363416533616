"""No balance counts whose run is not as it was sealed and signed (G3, T4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from shop.cells.models import Cell
from shop.jobs.models import Run
from shop.jobs.states import RUN_WORDS, RunState
from shop.packs.models import GateDecision
from shop.people.models import User
from shop.readings.models import Manifest
from shop.refusals import Refusal
from shop.signing.models import SigningKey
from shop.signing.services import signer
from tests.cast import Cast, the_cast
from tests.faults.tampering import change, reseal, superuser
from tests.shop.packs.assembling import NOW, STOPPED, assemble, good_cells, refused
from tests.shop.packs.factories import approve, make_bank, make_capacity


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


def manifest_of(cells: list[Cell]) -> Manifest:
    return Manifest.objects.get(run__run_cells__cell=cells[0])


def reason_of_g3(cells: list[Cell], by: User) -> str:
    """What the gate has against the seal, which its approvals do not cover either."""
    assert refused(cells, by) >= {"G1", "G3"}
    findings = GateDecision.objects.latest("pk").findings
    words = [f["words"] for f in findings if f["rule"] == "G3" and f["value"] == "seal broken"]
    assert len(words) == len(cells)
    return str(words[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": None, "signature": ""}, "is not signed"),
        ({"body": {"readings": {}, "records": []}}, "is about another run or attempt"),
        ({"signature": "00" * 64}, "does not hold: it was changed, or made anew"),
        ({"sha256": "0" * 64}, "that it names is not there"),
    ],
)
def test_refuses_a_manifest_that_is_not_as_it_was_signed(
    cast: Cast, changes: dict[str, Any], words: str
) -> None:
    cells = good_cells(cast)

    change(Manifest, manifest_of(cells).pk, **changes)

    assert words in reason_of_g3(cells, cast.bayo)


def test_refuses_a_manifest_by_a_key_that_this_host_does_not_know(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    cells = good_cells(cast)

    settings.CELLSHOP_KEYS = tmp_path

    assert "which this host does not know" in reason_of_g3(cells, cast.bayo)


@pytest.mark.parametrize("state", [RunState.ERROR, RunState.TRIPPED, RunState.RUNNING])
def test_refuses_a_run_that_is_not_as_it_was_sealed(cast: Cast, state: RunState) -> None:
    cells = good_cells(cast)
    run = manifest_of(cells).run

    with superuser():
        Run.objects.filter(pk=run.pk).update(state=state)

    said = f"run {run.pk} is “{RUN_WORDS[state]}” and was sealed as “done”"
    assert said in reason_of_g3(cells, cast.bayo)


def resealed(cells: list[Cell], state: RunState) -> Run:
    """The run of `cells` as if it had ended in `state`."""
    manifest = manifest_of(cells)
    office = signer(SigningKey.Purpose.MANIFESTS, now=NOW)
    body = manifest.body | {"outcome": {"state": state}}
    reseal(manifest, body, signature=office.sign(body))
    with superuser():
        Run.objects.filter(pk=manifest.run_id).update(state=state)
    return manifest.run


@pytest.mark.parametrize("state", [RunState.ERROR, RunState.TRIPPED])
def test_refuses_the_balance_of_a_run_that_ended_badly(cast: Cast, state: RunState) -> None:
    cells = good_cells(cast)
    run = resealed(cells, state)

    assert f"run {run.pk} ended as “{RUN_WORDS[state]}”" in reason_of_g3(cells, cast.bayo)
    with pytest.raises(Refusal, match="proves nothing"):
        approve(cells, by=cast.sade, now=NOW)


def test_a_whole_balance_of_a_run_that_a_person_stopped_counts(cast: Cast) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells
    for cell in cells:
        make_capacity(cell)
    resealed(cells, RunState.STOPPED)
    approve(cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))

    assert assemble(cells, cast.bayo).placements.count() == 4
