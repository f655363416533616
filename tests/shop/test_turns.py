"""Races at a cell: what is judged and what is written about it take turns (G1, G7, G10).

A new run that ends, a nonconformance, another capacity, a start: each at the very moment when a
supervisor approves the cell or somebody builds it into a pack.  Never are both valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shop.cells.models import Cell
from shop.cells.services import lock_cells
from shop.evidence.models import Approval, CapacityTest
from shop.evidence.queries import evidence_of_cells
from shop.evidence.services.approvals import approve_cells
from shop.evidence.services.balances import record_balance
from shop.evidence.services.capacity import import_capacity_file
from shop.evidence.taking_back import supersede, withdraw
from shop.jobs.models import Job, Run
from shop.jobs.services.starts import start_run
from shop.jobs.states import RunState
from shop.packs.models import Pack, PackDesign
from shop.packs.queries import Judged, judged
from shop.packs.services import assemble_pack
from shop.quality.services import open_nonconformance
from shop.refusals import Refusal
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.shop.packs.factories import approve, charge, make_bank, make_design
from tests.shop.turns import between, on_its_own_connection, waited_for
from tests.wait import wait_until

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)


@dataclass(frozen=True)
class Scene:
    """Four balanced cells, a claimed job on the same cells, and acts that say why not."""

    cast: Cast
    cells: list[Cell]
    design: PackDesign
    job: Job
    run: Run

    def started(self) -> bool:
        return Run.objects.filter(job=self.job).exists()

    def seen(self) -> dict[str, str]:
        return {serial: known.sha256 for serial, known in evidence_of_cells(self.cells).items()}

    def approves(self, seen: dict[str, str]) -> set[str]:
        by = self.cast.sade
        return codes(lambda: approve_cells(cells=self.cells, evidence_sha256=seen, by=by, now=NOW))

    def assembles(self) -> set[str]:
        return codes(
            lambda: assemble_pack(
                serial="P-1",
                design=self.design,
                cells=self.cells,
                customer=None,
                by=self.cast.bayo,
                simulated=False,
                sample=False,
                now=NOW,
            )
        )

    def starts(self) -> set[str]:
        job = Job.objects.select_related("station").get(pk=self.job.pk)
        return codes(lambda: start_run(job=job, by=self.cast.tola, now=NOW))


def codes(act: Callable[[], object]) -> set[str]:
    """Why the act was refused; empty when it was done."""
    try:
        act()
    except Refusal as refusal:
        return {problem.code for problem in refusal.problems}
    return set()


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    cast = the_cast()
    bank = make_bank(by=cast.tola, stopped=STOPPED)
    cells = bank.cells
    capacities(cells, cast, 200.0)
    station = factories.make_station(now=NOW)
    job = factories.make_job(by=cast.tola, cells=cells, claimed_at=station, now=NOW)
    return Scene(cast, cells, make_design(), job, bank.run)


def capacities(cells: Iterable[Cell], cast: Cast, capacity_ah: float) -> None:
    rows = [f"{cell.serial},{capacity_ah},{STOPPED.isoformat()}" for cell in cells]
    data = "\n".join(["serial,capacity_ah,tested_at", *rows]).encode()
    import_capacity_file(name="c.csv", data=data, by=cast.tola, now=NOW)


def a_later_run_ends_partial(scene: Scene) -> Callable[[], object]:
    run = a_later_run(scene)
    return lambda: record_balance(
        run=run,
        method="TOP",
        target_v=3.65,
        records=[charge("partial", at=NOW, tail_a=3.1)],
        manifest_sha256="b" * 64,
        simulated=False,
        now=NOW,
    )


def a_later_run(scene: Scene) -> Run:
    """Of the same cells; REFUSED, so that nothing but its balance can stand against them."""
    by, station = scene.cast.tola, factories.make_station()
    job = factories.make_job(by=by, cells=scene.cells, claimed_at=station, now=NOW)
    return factories.make_run(by=by, job=job, state=RunState.REFUSED, now=NOW, token=9)


def a_nonconformance_is_opened(scene: Scene) -> Callable[[], object]:
    return lambda: open_nonconformance(cell=scene.cells[2], kind="OTHER", words="Wet.", now=NOW)


def another_capacity_is_imported(scene: Scene) -> Callable[[], object]:
    return lambda: capacities(scene.cells[:1], scene.cast, 199.0)


def the_next_run_is_started(scene: Scene) -> Callable[[], object]:
    return lambda: start_run(job=scene.job, by=scene.cast.tola, now=NOW)


def the_balance_is_superseded(scene: Scene) -> Callable[[], object]:
    balance = scene.run.balance
    return lambda: supersede(record=balance, words="Loose.", by=scene.cast.kemi, now=NOW)


def a_capacity_test_is_superseded(scene: Scene) -> Callable[[], object]:
    test = CapacityTest.objects.get(cell=scene.cells[3])
    return lambda: supersede(record=test, words="Another cell's.", by=scene.cast.kemi, now=NOW)


def a_calibration_is_withdrawn(scene: Scene) -> Callable[[], object]:
    calibration = scene.run.station.instruments.get(role="scanner").calibrations.get()
    return lambda: withdraw(calibration=calibration, words="Off.", by=scene.cast.kemi, now=NOW)


WRITERS = [
    a_later_run_ends_partial,
    a_nonconformance_is_opened,
    another_capacity_is_imported,
    the_next_run_is_started,
    the_balance_is_superseded,
    a_capacity_test_is_superseded,
    a_calibration_is_withdrawn,
]
# Each writer in turn, so that a row of the matrix is tried more than 20 times.
TRIALS = 3


@pytest.mark.fault("41", "evidence taken back or changed between gate and commit", trials=TRIALS)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_no_pack_is_assembled_on_evidence_that_changed_at_the_same_instant(
    scene: Scene,
    writer: Callable[[Scene], Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
    trial: Trial,
) -> None:
    approve(scene.cells, by=scene.cast.sade, now=NOW)
    tries = tries_of_assembling(monkeypatch)

    refused = between(writer(scene), scene.assembles)

    trial.happened(len(tries) == 2)  # PostgreSQL could not serialize the first one
    assert refused & {"G1", "G3", "G7"}
    assert not Pack.objects.exists()


def tries_of_assembling(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every transaction that begins to assemble."""
    tries: list[int] = []

    def counted(cells: Iterable[Cell]) -> None:
        tries.append(1)
        lock_cells(cells)

    monkeypatch.setattr("shop.packs.services.lock_cells", counted)
    return tries


def test_with_a_lock_alone_the_old_snapshot_would_pass(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: rows locked, but not rewritten, leave assembly with what it saw."""

    approve(scene.cells, by=scene.cast.sade, now=NOW)
    monkeypatch.setattr("shop.quality.services.touch_cells", lock_cells)

    assert between(a_nonconformance_is_opened(scene), scene.assembles) == set()


@pytest.mark.fault("39", "approval of evidence that is superseded meanwhile", trials=TRIALS)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_an_approval_and_what_supersedes_it_are_never_both_valid(
    scene: Scene, writer: Callable[[Scene], Callable[[], object]], trial: Trial
) -> None:
    seen = scene.seen()

    refused = between(writer(scene), lambda: scene.approves(seen))

    trial.happened(scene.seen() != seen or scene.started())
    assert refused & {"stale_evidence", "run_since"}
    assert not Approval.objects.exists()


@pytest.mark.fault("39", "approval of evidence that is superseded right after", trials=7)
@pytest.mark.parametrize(
    "writer",
    [a_later_run_ends_partial, the_balance_is_superseded, a_calibration_is_withdrawn],
    ids=lambda writer: writer.__name__,
)
def test_an_approval_that_came_first_binds_to_nothing_once_superseded(
    scene: Scene, writer: Callable[[Scene], Callable[[], object]], trial: Trial
) -> None:
    seen = scene.seen()
    taken_back = writer(scene)

    between(lambda: scene.approves(seen), taken_back)

    trial.happened(Approval.objects.count() == len(scene.cells))
    assert not any(known.approval for known in evidence_of_cells(scene.cells).values())


def test_a_start_waits_for_an_assembly_and_is_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round: the pack is there, so its cells stay off the bench."""
    approve(scene.cells, by=scene.cast.sade, now=NOW)
    answers = []

    def meanwhile(*asked: Any) -> Judged:
        """In the middle of assembling, cells held: somebody starts."""
        answers.append(threads.submit(on_its_own_connection, scene.starts))
        wait_until(waited_for)
        return judged(*asked)

    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr("shop.packs.services.judged", meanwhile)
        assembled = scene.assembles()

    assert assembled == set()
    assert [answer.result() for answer in answers] == [{"cell_in_pack"}]
    assert not Run.objects.filter(job=scene.job).exists()
