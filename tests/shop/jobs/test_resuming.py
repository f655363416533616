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
from stations.procedures.steps import Outcome
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


def interrupted(cast: Cast, bench: VirtualBench) -> Run:
    """A run whose first attempt broke off in the middle of its charge."""
    run = factories.make_run(
        by=cast.tola, state=RunState.INTERRUPTED, token=1, program=to_plain(program())
    )
    first = Journalled(bench, lives=entered()["balance"] + 800)
    lost = play(begun(program(), first.opened_at), first)
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
