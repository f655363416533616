"""Execute one queued run on this station's bench, from lease to evidence.

While the program runs nothing here touches the database: the runner only talks to the bench.
Whatever dies, the guardian has the output off and the journal; a run whose worker was lost is
ended by `shop.jobs.reaper`.
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
from shop.equipment.benches import guardian_socket
from shop.equipment.leases import LeaseLost
from shop.equipment.models import Instrument
from shop.equipment.queries import calibration_in_force
from shop.jobs import leasing, results
from shop.jobs.ending import Ending, ending_of
from shop.jobs.leasing import Held
from shop.jobs.models import Run
from shop.jobs.moves import move_run
from shop.jobs.planning import Plan, plan
from shop.jobs.preflight import Registered, preflight_problems
from shop.jobs.states import RunState
from shop.refusals import Refusal, StaleTransition
from shop.signing import services as signing
from shop.signing.keyring import KeyUnusable
from shop.signing.models import SigningKey
from stations import runner
from stations.bench import BenchError, BenchLost
from stations.clock import guard_s
from stations.guardian_client import GuardianBench, GuardianLink, GuardianRefused, GuardianSilent

log = logging.getLogger(__name__)

POLL_S = 0.1  # how often a worker that waits for the uplink looks
KEY_WAIT_S = 5.0  # between two looks for a signing key that went away during the run
STORE_WAIT_S = 3600.0  # of wall time; then the lease is left to lapse, nothing is lost


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that the run needs from the database, read before the bench is opened."""

    plan: Plan
    registered: Sequence[Registered]
    simulated: bool
    planned_end: datetime


def execute(run_id: int, *, redelivered: bool = False) -> None:
    """Run `run_id` to its end, or return at once when it is not ours to run.

    A second delivery, a stop before the start and a station that is not free all fail to win
    the lease.
    """
    held = None if redelivered else leasing.take(run_id)
    if held is None:
        return
    log.info("run %s: leased with token %s", run_id, held.token)
    try:
        ending = _play(held)
        log.info("run %s: %s, %s", run_id, ending.state, ending.reason)
        _insist(held, partial(_stopping, held, ending.reason))
        if ending.has_journal:
            _insist(held, partial(_is_stored, held))
        _insist(held, partial(_conclude, held, ending))
    except LeaseLost as lost:
        log.warning("run %s: %s; the reaper ends it", run_id, lost)


def _play(held: Held) -> Ending:
    """Everything up to the proven end on the bench; never raises for what can be refused."""
    try:
        prepared = _prepare(held)
    except Refusal as refusal:
        return Ending(RunState.REFUSED, str(refusal))
    except (GuardianSilent, GuardianRefused) as error:
        return Ending(RunState.ERROR, f"The bench cannot be reached: {error}")
    close_old_connections()  # hours may pass before the next query
    try:
        return _on_bench(held, prepared)
    except BenchLost as lost:
        return Ending(RunState.ERROR, str(lost))
    except BenchError as error:
        return Ending(RunState.REFUSED, str(error))


def _prepare(held: Held) -> Prepared:
    """Plan, dry run, and LEASED to PREFLIGHT; raises Refusal or GuardianSilent."""
    run, now = held.run, clock.now()
    signing.ready(SigningKey.Purpose.MANIFESTS)  # not to learn it at the end of a night
    planned = plan(run.job, run.station)
    simulated = bool(GuardianLink(guardian_socket(run.station.slug)).status()["simulated"])
    registered = [_registered(instrument, now) for instrument in run.station.instruments.all()]
    with transaction.atomic():
        held.check()
        move_run(
            run,
            RunState.PREFLIGHT,
            now=now,
            data={"program_sha256": planned.sha256},
            program=planned.plain,
            program_hash=planned.sha256,
            simulated=simulated,
        )
    return Prepared(planned, registered, simulated, now + planned.lasts)


def _registered(instrument: Instrument, now: datetime) -> Registered:
    calibration = calibration_in_force(instrument, now)
    return Registered(
        role=instrument.role,
        model=instrument.model,
        serial_number=instrument.serial_number,
        certificate=calibration.certificate if calibration else "",
        valid_until=calibration.valid_until if calibration else None,
    )


def _on_bench(held: Held, prepared: Prepared) -> Ending:
    """Open the bench, see that it is the registered one, run, close.  No database in here.

    Raises BenchError when no session began: nothing was energised.
    """
    program = prepared.plan.program
    with GuardianBench(
        guardian_socket(held.run.station.slug),
        run=str(held.run.pk),
        attempt=held.run.attempt,
        token=held.token,
        limits=program.limits,
        program={"name": program.name, "version": program.version},
        valid_s=settings.SELF_FENCE_S,
    ) as bench:
        problems = preflight_problems(
            registered=prepared.registered,
            found=bench.instruments,
            planned_end=prepared.planned_end,
            simulated_expected=prepared.simulated,
            simulated=bench.simulated,
        )
        if problems:
            words = " ".join(map(str, problems))
            journal = _close(bench, RunState.REFUSED, words)
            return Ending(RunState.REFUSED, words, journal=journal, has_journal=True)
        outcome = runner.run(program, bench, started_at=bench.opened_at)
        journal = _close(bench, outcome.kind, outcome.reason)
    return ending_of(outcome, instruments=prepared.registered, journal=journal)


def _close(bench: GuardianBench, kind: str, reason: str) -> dict[str, Any]:
    try:
        return dict(bench.close(kind=kind, reason=reason))
    except BenchError as error:
        log.warning("the guardian closes the journal by itself: %s", error)
        return {}


def _insist(held: Held, act: Callable[[], bool]) -> None:
    """Do `act` until it says that it is done, through absences of the database, renewing.

    Raises LeaseLost when the lease is no longer ours, or after STORE_WAIT_S.
    """
    pause, began_s, renewed_s = Pause(), guard_s(), -math.inf
    while guard_s() - began_s < STORE_WAIT_S:
        try:
            if guard_s() - renewed_s >= settings.LEASE_RENEW_S:
                if not held.renew():
                    break
                renewed_s = guard_s()
            if act():
                return
        except (OperationalError, InterfaceError) as error:
            log.warning("run %s: the database is away: %s", held.run.pk, error)
            close_old_connections()
        pause.wait(POLL_S)
    raise LeaseLost(f"token {held.token} of run {held.run.pk} is no longer current")


def _stopping(held: Held, cause: str) -> bool:
    """To STOPPING from wherever the uplink has taken the run; False when that just changed."""
    held.run.refresh_from_db()
    try:
        with transaction.atomic():
            held.check()
            move_run(held.run, RunState.STOPPING, now=clock.now(), cause=cause[:500])
    except StaleTransition:
        return False
    except Refusal as refusal:
        raise LeaseLost(str(refusal)) from refusal  # interrupted, and over, meanwhile
    return True


def _is_stored(held: Held) -> bool:
    """Whether the uplink has stored the journal up to its close record."""
    return Run.objects.filter(pk=held.run.pk, journal_closed_at__isnull=False).exists()


def _conclude(held: Held, ending: Ending) -> bool:
    try:
        results.conclude(held, ending, now=clock.now())
    except KeyUnusable as error:
        log.error("run %s waits to be sealed: %s", held.run.pk, error)
        Pause().wait(KEY_WAIT_S)
        return False
    except Refusal as refusal:
        # The records contradict the shop's rules: the run is in error, its readings are kept.
        log.exception("run %s: its evidence was refused", held.run.pk)
        words = f"Evidence refused: {refusal}"
        sealed = Ending(RunState.ERROR, words, journal=ending.journal, has_journal=True)
        results.conclude(held, sealed, now=clock.now())
    return True
