"""What an interrupted run left on its bench: a verdict to conclude, or where to go on from.

The bench's journals are replayed, so a worker that died takes no knowledge with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shop import clock
from shop.equipment.benches import journal_folder
from shop.jobs.ending import Ending, ending_of
from shop.jobs.manifest import seal
from shop.jobs.models import Run
from shop.jobs.preflight import Registered
from shop.jobs.queries import stopped_by
from shop.jobs.states import RunState
from shop.readings.models import ReadingChunk
from shop.refusals import Problem, Refusal
from stations.journal import JournalError, JournalRecord, file_name, read_records
from stations.plain import from_plain
from stations.procedures import resume
from stations.procedures.actions import Outcome
from stations.procedures.progress import current_stopped
from stations.procedures.state import Run as ProcedureRun
from stations.procedures.steps import Program
from stations.replay import Attempt, replay
from stations.values import Limits

INTERRUPTED = RunState.INTERRUPTED.value


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier attempts of a run.  `attempt` is None where none ever reached the bench.

    `ending`: the run is over, and only has to be concluded.
    """

    program: Program
    attempt: Attempt | None
    interrupted: Ending  # of the last attempt, for its manifest
    ending: Ending | None

    @property
    def has_driven(self) -> bool:
        """Whether an output was on in it, or about to be."""
        return self.attempt is not None and resume.has_driven(self.attempt.outcome.unclosed)

    def begun(self, at: datetime) -> ProcedureRun | None:
        """The state in which the next attempt begins at `at`; None: from the beginning."""
        if self.attempt is None:
            return None
        last = self.attempt
        return resume.resumed(
            last.outcome.unclosed, at=at, stopped=last.stopped, reason=last.reason
        )

    def limits(self, now: datetime) -> Limits:
        """The hard envelope that earlier attempts have left."""
        if self.attempt is None:
            return self.program.limits
        stopped = self.attempt.stopped
        at = stopped.at + (now - stopped.received_at)
        return resume.remaining(self.attempt.outcome.unclosed, at)


def past_of(run: Run, registered: Sequence[Registered], now: datetime) -> Past | None:
    """The past of an interrupted run, or None where it was not even planned.

    Raises Refusal where the journals cannot be read or do not fit.
    """
    if run.program is None:
        return None
    try:
        program = from_plain(Program, run.program)
        journals = _journals(run)
        attempt = replay(program, journals) if journals else None
    except (JournalError, OSError, ValueError, KeyError) as error:
        raise Refusal(
            [
                Problem(
                    "not_replayable",
                    f"Run {run.pk} cannot go on: its journal does not tell how it stood: {error}.",
                    "Keep the bench's journal, check the cells, and start the job again.",
                )
            ]
        ) from error
    interrupted = _interrupted(run, program, attempt, registered)
    return Past(program, attempt, interrupted, _ending(run, program, attempt, interrupted, now))


def begin_next_attempt(run: Run, past: Past | None) -> None:
    """Seal the interrupted attempt of `run` (in the caller's transaction) and count the next."""
    if past is not None:
        seal(run, past.interrupted, now=clock.now())
    Run.objects.filter(pk=run.pk).update(
        attempt=run.attempt + 1, stored_seq=0, journal_closed_at=None, step=None
    )
    run.attempt, run.stored_seq, run.journal_closed_at, run.step = run.attempt + 1, 0, None, None


def refused(past: Past | None, state: RunState, words: str, journal: Mapping[str, Any]) -> Ending:
    """The ending of an attempt that preflight refused; what earlier ones reached stays."""
    known = past.interrupted if past else Ending(state, words)
    return replace(known, state=state, reason=words, journal=journal, has_journal=True, token=None)


def _journals(run: Run) -> list[Sequence[JournalRecord]]:
    """One for each attempt that reached the bench, in order.

    Raises JournalError where one that was seen is missing: what it charged is not known.
    """
    folder, seen = journal_folder(run.station.slug), _seen(run)
    journals: list[Sequence[JournalRecord]] = []
    for number in range(1, run.attempt + 1):
        path = folder / file_name(str(run.pk), number)
        if path.exists():
            journals.append(read_records(path)[0])
        elif number in seen:
            raise JournalError(f"{path} is missing, and attempt {number} was at the bench")
    return journals


def _seen(run: Run) -> set[int]:
    """The attempts of which something came from a journal."""
    stored = ReadingChunk.objects.filter(run=run).order_by().values_list("attempt", flat=True)
    seen = set(stored.distinct())
    return seen | {run.attempt} if run.is_journalled else seen


def _interrupted(
    run: Run, program: Program, attempt: Attempt | None, registered: Sequence[Registered]
) -> Ending:
    """What the last attempt is sealed with, unless it had come to an end of its own."""
    if attempt is None:
        return Ending(RunState.INTERRUPTED, run.cause, program.target_v, instruments=registered)
    journal = {"last_seq": attempt.closed["last_seq"]}
    ended = ending_of(_stopped(attempt), instruments=registered, journal=journal)
    return replace(
        ended,
        state=RunState.INTERRUPTED,
        reason=attempt.reason or run.cause,
        token=attempt.token,
    )


def _ending(
    run: Run, program: Program, attempt: Attempt | None, interrupted: Ending, now: datetime
) -> Ending | None:
    if attempt is not None:
        closed, own = str(attempt.closed["outcome"]["kind"]), attempt.outcome.kind
        if closed != INTERRUPTED:
            return _closed(interrupted, closed, own)
        if own != INTERRUPTED:  # it had ended, and lost its guardian on the last metres
            return replace(interrupted, state=RunState(own), reason=attempt.outcome.reason)
    if run.stop_requested_at is not None:
        return replace(interrupted, state=RunState.STOPPED, reason=stopped_by(run))
    found = (
        resume.problems(attempt.outcome.unclosed, attempt=run.attempt, gap=_gap(attempt, now))
        if attempt is not None
        else []
    )
    if attempt is None and run.attempt >= program.resume.attempts_max:
        found = [f"the bench was not reached in {run.attempt} attempts"]
    if not found:
        return None
    words = f"{run.cause or interrupted.reason}; it does not go on: {'; '.join(found)}"
    return replace(interrupted, state=RunState.ERROR, reason=words)


def _closed(interrupted: Ending, closed: str, own: str) -> Ending:
    """As it was closed; it is finished only where the replay comes to that as well."""
    if closed == RunState.FINISHED and own != closed:
        words = "the journal was closed as finished, and does not come to that again"
        return replace(interrupted, state=RunState.ERROR, reason=words)
    return replace(interrupted, state=RunState(closed))


def _stopped(attempt: Attempt) -> Outcome:
    """With when current last stopped: the close has it where the attempt ended in a driven step."""
    outcome = attempt.outcome
    if not attempt.driven:
        return outcome
    return replace(outcome, run=current_stopped(outcome.run, attempt.stopped))


def _gap(attempt: Attempt, now: datetime) -> timedelta:
    """Since the bench was last seen, or since current stopped where none has flowed again.

    The close record alone says too little: after a host that was dark it is hours younger.
    """
    stopped = resume.waits_since(attempt.outcome.unclosed)
    known = (attempt.seen_at, attempt.stopped.received_at, stopped)
    return now - min(at for at in known if at is not None)
