"""Each race test can fail: with what holds it taken away, the harm that it looks for happens.

Row locks, the compare-and-set and the partial unique index are switched off one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Barrier

import pytest
from django.db import connection, transaction

from shop.cells.models import Cell
from shop.jobs.models import Job, JobEvent
from shop.jobs.services import orders as job_orders
from shop.jobs.services.orders import claim_job
from shop.packs import services as pack_services
from shop.packs.models import PackDesign, Placement
from shop.packs.queries import Judged, judged
from shop.packs.services import GateRefusal, assemble_pack
from tests import factories
from tests.cast import Cast, the_cast
from tests.factories import NOON
from tests.race import race
from tests.shop.packs.factories import approve, make_bank, make_capacity, make_design

INDEX = "cell_in_one_pack"


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return the_cast()


@contextmanager
def without_index() -> Iterator[None]:
    """The partial unique index of placements gone, and back for the next test."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [INDEX])
        definition = cursor.fetchone()[0]
        cursor.execute(f"DROP INDEX {INDEX}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM shop_placement")
            cursor.execute(definition)


def one_cell(cast: Cast) -> tuple[Cell, PackDesign]:
    bank = make_bank(by=cast.tola, stopped=NOON)
    for cell in bank.cells:
        make_capacity(cell)
    approve(bank.cells, by=cast.sade, now=NOON)
    return bank.cells[0], make_design(series=1)


def packs_with(cell: Cell, design: PackDesign, cast: Cast) -> int:
    """Two people assemble the same cell, both having judged before either writes."""

    def assembler(thread: int) -> Callable[[int], object]:
        return lambda _: assemble_pack(
            serial=f"P-{thread}",
            design=design,
            cells=[cell],
            customer=None,
            by=cast.bayo,
            simulated=False,
            sample=False,
            now=NOON,
        )

    with suppress(GateRefusal):  # the loser, where something still holds
        race([assembler(1), assembler(2)])
    return Placement.objects.filter(cell=cell, removed_at=None).count()


def both_judge_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row lock, no SERIALIZABLE; a barrier puts both between look and write."""
    together = Barrier(2)

    def meet(*asked: object) -> Judged:
        answer = judged(*asked)  # type: ignore[arg-type]
        if not met:  # a second try goes on alone
            together.wait(timeout=30)
            met.append(1)
        return answer

    met: list[int] = []

    def no_lock(cells: Iterable[Cell]) -> None: ...

    monkeypatch.setattr(pack_services, "lock_cells", no_lock)
    monkeypatch.setattr(pack_services, "judged", meet)
    monkeypatch.setattr(pack_services, "_serializable", transaction.atomic)


def test_without_index_lock_and_serializable_one_cell_is_in_two_packs(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, design = one_cell(cast)
    both_judge_first(monkeypatch)

    with without_index():
        assert packs_with(cell, design, cast) == 2


def test_the_index_alone_holds_one_cell_in_one_pack(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any isolation level."""
    cell, design = one_cell(cast)
    both_judge_first(monkeypatch)

    assert packs_with(cell, design, cast) == 1


def test_without_compare_and_set_both_claims_win(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, station = factories.make_job(by=cast.sade), factories.make_station()

    def look_then_write(job: Job, to: str, *, by: object, **how: object) -> None:
        """What move_job would be without its WHERE state."""
        names = ("station", "claimed_by", "claimed_at")
        Job.objects.filter(pk=job.pk).update(state=to, **{n: how[n] for n in names})
        JobEvent.objects.create(job=job, kind="claimed", at=NOON)

    monkeypatch.setattr(job_orders, "move_job", look_then_write)
    looked = [Job.objects.get(pk=job.pk) for _ in range(2)]
    people = (cast.tola, cast.bayo)

    race(
        [
            lambda _, seen=seen, by=by: claim_job(job=seen, station=station, by=by, now=NOON)  # type: ignore[misc]
            for seen, by in zip(looked, people, strict=True)
        ]
    )

    assert JobEvent.objects.filter(kind="claimed").count() == 2
