"""What the bench's journals tell of an interrupted run, and what is missing from them (F4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from shop.equipment.benches import journal_folder
from shop.jobs.models import Run
from shop.jobs.resuming import Past, past_of
from shop.jobs.states import RunState
from shop.refusals import Refusal
from stations.journal import JournalWriter, file_name
from stations.plain import to_plain
from stations.procedures.actions import Outcome
from stations.runner import begun
from stations.runner import run as play
from stations.virtual import VirtualBench
from tests import factories
from tests.cast import Cast
from tests.shop.readings.samples import make_readings, store
from tests.stations.procedures.scripted import program
from tests.stations.test_replay import Journalled, bank, entered


@pytest.fixture(autouse=True)
def data(tmp_path: Path, settings: Settings) -> Path:
    settings.CELLSHOP_DATA = tmp_path
    return tmp_path


@pytest.fixture
def bench() -> VirtualBench:
    return VirtualBench(bank(), sample_s=12.0)


def interrupted(
    cast: Cast, bench: VirtualBench, *, step: str = "balance", dark_s: float = 0.0
) -> Run:
    """A run whose first attempt broke off in `step`; its journal was closed `dark_s` later."""
    run = factories.make_run(
        by=cast.tola, state=RunState.INTERRUPTED, token=1, program=to_plain(program())
    )
    items = {"balance": 800, "refresh": 30}.get(step, 1)
    first = Journalled(bench, lives=entered()[step] + items)
    lost = play(begun(program(), first.opened_at), first)
    bench.clock.push(dark_s)
    write(run, first, lost)
    return run


def write(run: Run, bench: Journalled, lost: Outcome) -> None:
    folder = journal_folder(run.station.slug)
    folder.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter.create(folder / file_name(str(run.pk), run.attempt))
    for record in bench.journal(lost):
        writer.append(record.body)
    writer.close()


def past(run: Run, bench: VirtualBench) -> Past:
    known = past_of(run, (), bench.clock.now())
    assert known is not None
    return known


def test_an_attempt_that_never_came_to_a_journal_is_passed_over(
    cast: Cast, bench: VirtualBench
) -> None:
    run = interrupted(cast, bench)
    run.attempt = 2

    known = past(run, bench)

    assert known.ending is None
    assert known.attempt is not None
    assert known.attempt.outcome.unclosed.step.name == "balance"


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_run_does_not_begin_anew_where_a_journal_that_was_seen_is_missing(
    cast: Cast, bench: VirtualBench, attempt: int
) -> None:
    """Put aside as corrupt, or on another disk: its charge would not count against the caps."""
    run = interrupted(cast, bench)
    store(run, make_readings(60))
    run.refresh_from_db()
    if attempt == 2:
        run.attempt, run.stored_seq = 2, 0
    journal = journal_folder(run.station.slug) / file_name(str(run.pk), 1)
    journal.rename(journal.with_suffix(".corrupt"))

    with pytest.raises(Refusal, match="is missing, and attempt 1 was at the bench"):
        past_of(run, (), bench.clock.now())


@pytest.mark.parametrize("step", ["balance", "joined", "refresh"])
def test_a_host_that_was_dark_for_hours_does_not_go_on(
    cast: Cast, bench: VirtualBench, step: str
) -> None:
    """The guardian that comes back closes the journal anew: its proof is seconds old."""
    run = interrupted(cast, bench, step=step, dark_s=10 * 3600.0)

    ending = past(run, bench).ending

    assert ending is not None
    assert (ending.state, "nothing happened for 10:0" in ending.reason) == (RunState.ERROR, True)


@pytest.mark.parametrize(("step", "goes_on"), [("joined", False), ("balance", True)])
def test_an_interruption_before_current_flows_again_counts_on_from_the_one_before(
    cast: Cast, bench: VirtualBench, step: str, goes_on: bool
) -> None:
    run = interrupted(cast, bench)
    before = past(run, bench)
    bench.clock.push(55 * 60.0)
    assert past(run, bench).ending is None
    state = before.begun(bench.clock.now())
    assert state is not None
    run.attempt = 2
    lives = 2 if step == "joined" else 100
    second = Journalled(bench, token=2, lives=lives)
    lost = play(state, second)
    assert lost.unclosed.step.name == step
    write(run, second, lost)

    bench.clock.push(55 * 60.0)

    assert (past(run, bench).ending is None) == goes_on
