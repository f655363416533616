"""What the bench's journal tells of a run, written into the shop: its step, state and history.

Events may come again after a restart of the uplink; each is kept once, by its place in the
journal.  A journal of an older token changes nothing of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shop.jobs.models import JobEvent, Run
from shop.jobs.moves import move_run
from shop.jobs.states import LEASED_STATES, RunState
from shop.refusals import Refusal
from stations.journal import JournalRecord

# Kinds of events that a person should find in the history of the job.
TOLD = frozenset(
    {"alarm", "current_stopped", "read", "safe_hold", "step", "stop", "trip", "unread"}
)


def tell(run: Run, records: Sequence[JournalRecord], *, now: datetime) -> None:
    """Write the events of `run`'s own journal, in order."""
    steps = [r.body["event"]["data"] for r in records if r.body["event"]["kind"] == "step"]
    if steps:
        _enter(run, steps[-1], now)
    for record in records:
        event = record.body["event"]
        if event["kind"] in TOLD:
            _keep(run, record, event, now)
        if event["kind"] == "safe_hold":
            _try_move(run, RunState.SAFE_HOLD, now)


def _enter(run: Run, step: dict[str, Any], now: datetime) -> None:
    Run.objects.filter(pk=run.pk, token=run.token, state__in=sorted(LEASED_STATES)).update(
        step=storable(step)
    )
    if run.state == RunState.PREFLIGHT:
        _try_move(run, RunState.RUNNING, now)


def _try_move(run: Run, to: RunState, now: datetime) -> None:
    """Move the run unless its worker has moved it on meanwhile."""
    run.refresh_from_db()
    try:
        move_run(run, to, now=now)
    except Refusal:
        run.refresh_from_db()


def _keep(run: Run, record: JournalRecord, event: dict[str, Any], now: datetime) -> None:
    kind = f"bench_{event['kind']}"
    kept = JobEvent.objects.filter(run=run, kind=kind, data__journal_end=record.end)
    if not kept.exists():
        JobEvent.objects.create(
            job_id=run.job_id,
            run=run,
            kind=kind,
            at=now,
            data={**storable(event["data"]), "bench_at": event["at"], "journal_end": record.end},
        )


def storable(data: Any) -> Any:
    """The same, with what PostgreSQL's JSON cannot hold shown as such: NUL, lone surrogates.

    A bench's journal keeps the words as they were.
    """
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode().replace("\0", "?")
    if isinstance(data, dict):
        return {storable(key): storable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [storable(value) for value in data]
    return data
