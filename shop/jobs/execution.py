"""Execute one queued run on this station's bench, from lease to evidence.

While the program runs nothing here touches the database: the runner only talks to the bench.  Once,
when a wait is over and the output is still off, it asks the shop for objections.
Whatever dies, the guardian has the output off and the journal; a run whose worker was lost
becomes INTERRUPTED (`shop.jobs.reaper`) and comes here again, to go on or to be concluded.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Event as Pause
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from shop import clock
from shop.equipment.benches import authority_s, guardian_socket
from shop.equipment.leases import LeaseLost
from shop.jobs import leasing, nights, results
from shop.jobs.attending import present_at, unattended_problems
from shop.jobs.ending import Ending, ending_of
from shop.jobs.leasing import Held
from shop.jobs.models import Run
from shop.jobs.moves import move_run
from shop.jobs.planning import Plan, plan, planned_again
from shop.jobs.policies import policy_of
from shop.jobs.preflight import Registered, preflight_problems
from shop.jobs.queries import policy_numbers, stopped_by
from shop.jobs.registered import registered_at
from shop.jobs.resuming import Past, begin_next_attempt, past_of, refused
from shop.jobs.shutdown import WORDS, told_to_end
from shop.jobs.states import RunState
from shop.refusals import Refusal, StaleTransition, refuse
from shop.signing import services as signing
from shop.signing.keyring import KeyUnusable
from shop.signing.models import SigningKey
from stations import runner
from stations.bench import BenchError, BenchLost
from stations.clock import guard_s
from stations.guardian_client import GuardianBench, GuardianLink, GuardianRefused, GuardianSilent
from stations.values import Limits

log = logging.getLogger(__name__)

POLL_S = 0.1  # how often a worker that waits for uplink or database looks
KEY_WAIT_S = 5.0  # between two looks for a signing key that went away during the run
# Then the lease is left to lapse; nothing is lost but the verdict.
ABSENCE_MAX_S = 3600.0  # of the database or a signing key, which keep everybody else away too
ENDING_WAIT_S = 5.0  # of a worker told to end: an uplink that lives has stored by then
DONE, AWAY = object(), object()  # what an act has come to: its end, or no database


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that the run needs from the database, read before the bench is opened."""

    plan: Plan
    past: Past | None
    registered: Sequence[Registered]
    simulated: bool
    planned_end: datetime
    limits: Limits
    valid_until_s: float  # guard time: authority that the last renewal gives
    present_s: float  # guard time of when somebody was last there
    cells: int  # on the table
    cells_per_probe: int  # F4: how many of them one temperature probe will do for


def execute(run_id: int, *, redelivered: bool = False) -> None:
    """Run `run_id` to its end, or return at once when it is not ours to run.

    A second delivery, a stop before the start and a station that is not free all fail to win
    the lease; a worker that was told to end leaves the run as it is for the next one.
    """
    held = None if redelivered or told_to_end.is_left else leasing.take(run_id)
    if held is None:
        log.info("run %s: not ours to start, its lease was not to be had", run_id)
        return
    log.info("run %s: leased with token %s", run_id, held.token)
    try:
        ending = _play(held)
        log.info("run %s: %s, %s", run_id, ending.state, ending.reason)
        if ending.state == RunState.INTERRUPTED:
            _insist(held, partial(_interrupted, held, ending.reason))
            return
        _insist(held, partial(_stopping, held, ending.reason))
        if ending.has_journal:
            _insist(held, partial(_stored, held))
        _insist(held, partial(_conclude, held, ending), still_max_s=ABSENCE_MAX_S)
    except LeaseLost as lost:
        log.warning("run %s: %s; the reaper ends it", run_id, lost)


def _play(held: Held) -> Ending:
    """Everything up to the proven end on the bench; never raises for what can be refused.

    What refuses a first attempt is an ERROR, or a pause, for one that goes on.
    """
    registered = registered_at(held.run.station, clock.now())
    try:
        past = past_of(held.run, registered, clock.now()) if held.resumes else None
        if past is not None and past.ending is not None:
            return past.ending
        if held.resumes and held.run.stop_requested_at is not None:  # it was not even planned
            return Ending(RunState.STOPPED, stopped_by(held.run))
        prepared = _prepare(held, past, registered)
    except Refusal as refusal:
        return Ending(RunState.ERROR if held.resumes else RunState.REFUSED, str(refusal))
    except (GuardianSilent, GuardianRefused) as error:
        state = RunState.INTERRUPTED if held.resumes else RunState.ERROR
        return Ending(state, f"The bench cannot be reached: {error}")
    close_old_connections()  # hours may pass before the next query
    try:
        return _on_bench(held, prepared)
    except BenchLost as lost:
        return Ending(RunState.INTERRUPTED, str(lost))
    except BenchError as error:
        return Ending(RunState.INTERRUPTED if past else RunState.REFUSED, str(error))


def _prepare(held: Held, past: Past | None, registered: Sequence[Registered]) -> Prepared:
    """Plan, dry run, and LEASED to PREFLIGHT; raises Refusal or GuardianSilent.

    With a past the interrupted attempt is sealed, and the next one begins with its program.
    """
    run, now = held.run, clock.now()
    signing.ready(SigningKey.Purpose.MANIFESTS)  # not to learn it at the end of a night
    policy = policy_of(run.policy_version.parameters)
    status = GuardianLink(guardian_socket(run.station.slug)).status()
    waits = run.terms.waits(now)
    if past is None:
        span = run.terms.span(now, at=datetime.fromisoformat(status["at"]))
        planned = plan(run.job, run.station, attended=run.attended, policy=policy, span=span)
    else:
        planned = planned_again(past.program, run)
    if not run.attended and not (past and past.has_driven):
        policy = policy_numbers()  # it may have been made stricter while the run waited
        program = planned.program
        refuse(
            unattended_problems(run.job, run.station, program, policy=policy, now=now, waits=waits)
        )
    simulated = bool(status["simulated"])
    leased_s = guard_s()
    with transaction.atomic():
        held.check()
        held.renew()
        if held.resumes:
            begin_next_attempt(run, past)
        move_run(
            run,
            RunState.PREFLIGHT,
            now=now,
            data={"program_sha256": planned.sha256, "attempt": run.attempt},
            program=planned.plain,
            program_hash=planned.sha256,
            simulated=simulated,
            cause="",
        )
    limits = planned.program.limits if past is None else past.limits(now)
    valid_until_s = leased_s + authority_s(status)
    present_s = leased_s - (now - present_at(run)).total_seconds()
    planned_end = now + waits + planned.lasts
    return Prepared(
        plan=planned,
        past=past,
        registered=registered,
        simulated=simulated,
        planned_end=planned_end,
        limits=limits,
        valid_until_s=valid_until_s,
        present_s=present_s,
        cells=run.job.job_cells.count(),
        cells_per_probe=policy.cells_per_probe_max,
    )


def _on_bench(held: Held, prepared: Prepared) -> Ending:
    """Open the bench, see that it is the registered one, run, close.  No database but after a wait.

    Raises BenchError when no session began: nothing was energised.
    """
    program = prepared.plan.program
    with GuardianBench(
        guardian_socket(held.run.station.slug),
        run=str(held.run.pk),
        attempt=held.run.attempt,
        token=held.token,
        limits=prepared.limits,
        program={"name": program.name, "version": program.version, "cells": program.cells},
        valid_s=max(POLL_S, prepared.valid_until_s - guard_s()),
        presence_s=program.presence.every.total_seconds() if program.presence else None,
        absent_s=max(0.0, guard_s() - prepared.present_s),
    ) as bench:
        if told_to_end.is_left:
            journal = _close(bench, RunState.INTERRUPTED, WORDS)
            return Ending(RunState.INTERRUPTED, WORDS, journal=journal, has_journal=True)
        problems = preflight_problems(
            registered=prepared.registered,
            found=bench.instruments,
            planned_end=prepared.planned_end,
            simulated_expected=prepared.simulated,
            simulated=bench.simulated,
        )
        if not held.run.attended:
            problems += nights.problems_on(bench, prepared.cells, prepared.cells_per_probe)
        if problems:
            words = " ".join(map(str, problems))
            state = RunState.ERROR if prepared.past else RunState.REFUSED
            journal = _close(bench, state, words)
            return refused(prepared.past, state, words, journal)
        past = prepared.past
        begun = past.begun(bench.opened_at) if past else None
        objections = partial(nights.objections, held.run, prepared.plan, bench)
        outcome = runner.run(begun or runner.begun(program, bench.opened_at), bench, objections)
        journal = _close(bench, outcome.kind, outcome.reason)
    return ending_of(outcome, instruments=prepared.registered, journal=journal)


def _close(bench: GuardianBench, kind: str, reason: str) -> dict[str, Any]:
    try:
        return dict(bench.close(kind=kind, reason=reason))
    except BenchError as error:
        log.warning("the guardian closes the journal by itself: %s", error)
        return {}


def _insist(held: Held, act: Callable[[], object], *, still_max_s: float | None = None) -> None:
    """Do `act` until it says DONE, through absences of the database, renewing the lease.

    Raises LeaseLost when the lease is no longer ours, or is better left to lapse: nothing has
    changed in what `act` says for `still_max_s` (default: as long as a lease takes to lapse),
    the database has been away for ABSENCE_MAX_S, or the worker was told to end.
    """
    still_max_s = still_max_s or settings.LEASE_TTL_S + settings.LEASE_GRACE_S
    pause, began_s, renewed_s = Pause(), guard_s(), -math.inf
    heard_s, moved_s, seen = began_s, began_s, None
    while guard_s() - heard_s < ABSENCE_MAX_S and guard_s() - moved_s < still_max_s:
        if told_to_end.is_left and guard_s() - began_s > ENDING_WAIT_S:
            raise LeaseLost(f"the worker ends before run {held.run.pk} was concluded")
        try:
            if guard_s() - renewed_s >= settings.LEASE_RENEW_S:
                if not held.renew():
                    raise LeaseLost(f"token {held.token} of run {held.run.pk} is not current")
                renewed_s = guard_s()
            said = act()
            if said is DONE:
                return
            heard_s = guard_s()
            if said != seen:
                moved_s, seen = heard_s, said
        except (OperationalError, InterfaceError) as error:
            if seen is not AWAY:
                log.warning("run %s: the database is away: %s", held.run.pk, error)
            close_old_connections()
            moved_s, seen = guard_s(), AWAY
        pause.wait(POLL_S)
    raise LeaseLost(f"run {held.run.pk} waited in vain to be concluded")


def _stopping(held: Held, cause: str) -> object:
    """To STOPPING from wherever the uplink has taken the run, which may have just changed."""
    held.run.refresh_from_db()
    try:
        with transaction.atomic():
            held.check()
            move_run(held.run, RunState.STOPPING, now=clock.now(), cause=cause[:500])
    except StaleTransition:
        return None
    except Refusal as refusal:
        raise LeaseLost(str(refusal)) from refusal  # interrupted, and over, meanwhile
    return DONE


def _interrupted(held: Held, cause: str) -> object:
    """To INTERRUPTED, for the next worker or for us again, once the bench has said it is off."""
    held.run.refresh_from_db()
    try:
        with transaction.atomic():
            held.check()
            move_run(held.run, RunState.INTERRUPTED, now=clock.now(), cause=cause[:500])
    except StaleTransition:
        return None
    except Refusal as refusal:
        raise LeaseLost(str(refusal)) from refusal  # the reaper was faster
    return DONE


def _stored(held: Held) -> object:
    """DONE once the uplink has stored the journal up to its close record; how far it is."""
    run = Run.objects.only("stored_seq", "journal_closed_at").get(pk=held.run.pk)
    return run.stored_seq if run.journal_closed_at is None else DONE


def _conclude(held: Held, ending: Ending) -> object:
    try:
        results.conclude(held, ending, now=clock.now())
    except KeyUnusable as error:
        log.error("run %s waits to be sealed: %s", held.run.pk, error)
        Pause().wait(KEY_WAIT_S)
        return None
    except Refusal as refusal:
        # The records contradict the shop's rules: the run is in error, its readings are kept.
        log.exception("run %s: its evidence was refused", held.run.pk)
        words = f"Evidence refused: {refusal}"
        sealed = Ending(RunState.ERROR, words, journal=ending.journal, has_journal=True)
        results.conclude(held, sealed, now=clock.now())
    return DONE
