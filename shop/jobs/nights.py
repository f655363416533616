"""What a bench that is left alone is asked: at its start, and after a wait once more (F4, F6).

Hours may lie between the two, and nobody is there for the second.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, close_old_connections

from shop import clock
from shop.equipment.models import Station
from shop.jobs.attending import unattended_problems
from shop.jobs.models import Run
from shop.jobs.planning import Plan
from shop.jobs.preflight import preflight_problems
from shop.jobs.queries import policy_numbers
from shop.jobs.registered import registered_at
from shop.jobs.unattended import live_problems
from shop.refusals import Problem
from stations import runner
from stations.bench import BenchLost
from stations.guardian_client import GuardianBench
from stations.values import Event, Reading

LOOKS = 5  # at a bench that is about to be left alone
UNASKED = "The wait was over, and the shop could not be asked whether all still holds: {}"


def problems_on(bench: GuardianBench, cells: int, per_probe: int) -> list[Problem]:
    """What the bench's first readings lack for being left alone with so many cells (F4).

    The runner hears all of it again, and what has ended the session meanwhile is for it to tell.
    """
    looked: list[Reading | Event] = []
    problems = live_problems(None, cells, per_probe)
    while problems and len(looked) < LOOKS:
        item = bench.next()
        looked.append(item)
        if isinstance(item, Reading):
            problems = live_problems(item, cells, per_probe)
        elif item.kind in runner.ENDS:
            problems = []
    bench.put_back(looked)
    return problems


def objections(run: Run, plan: Plan, bench: GuardianBench) -> Sequence[str]:
    """Why the first output of a run that waited alone must not go on now, as the shop stands now.

    With the output off, so a shop that takes long to answer only has the run interrupted.  Raises
    BenchLost where it does not answer: the run goes on once it does.
    """
    try:
        close_old_connections()
        return [str(problem) for problem in _problems(run, plan, bench)]
    except (OperationalError, InterfaceError) as error:
        raise BenchLost(UNASKED.format(error)) from error
    finally:
        close_old_connections()  # hours may pass before the next query


def _problems(run: Run, plan: Plan, bench: GuardianBench) -> list[Problem]:
    station, now = Station.objects.get(pk=run.station_id), clock.now()
    return [
        *unattended_problems(run.job, station, plan.program, policy=policy_numbers(), now=now),
        *preflight_problems(
            registered=registered_at(station, now),
            found=bench.instruments,
            planned_end=now + plan.lasts,
            simulated_expected=bool(run.simulated),
            simulated=bench.simulated,
        ),
    ]
