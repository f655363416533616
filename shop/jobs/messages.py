"""What a worker does with a message before it tries for the lease; its reason is in its log.

A message only wakes: it may come twice, late, to the wrong host, or be forged.  What it says is
looked up; who drives is decided by the lease alone.
"""

from __future__ import annotations

import logging
from typing import Any

from shop.equipment.benches import guardian_socket
from shop.jobs.models import Run
from shop.jobs.states import LEASED_STATES
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent

log = logging.getLogger(__name__)

ID_MAX = 2**63 - 1


def is_for_us(run_id: Any) -> bool:
    """Whether it names a run whose bench this host can drive; otherwise the run waits on."""
    known = type(run_id) is int and 0 < run_id <= ID_MAX
    run = Run.objects.select_related("station").filter(pk=run_id).first() if known else None
    if run is None:
        log.warning("a message names no run: %.60r", run_id)
        return False
    if run.is_over:
        log.info("run %s is over (%s): nothing to do", run.pk, run.state)
        return False
    if run.state in LEASED_STATES:
        log.info("run %s is %s under token %s: not ours to start", run.pk, run.state, run.token)
        return False
    return _bench_is_here(run)


def _bench_is_here(run: Run) -> bool:
    """A worker on another host than the bench's would win the lease and then fail the run."""
    try:
        GuardianLink(guardian_socket(run.station.slug)).status()
    except (GuardianSilent, GuardianRefused) as error:
        log.warning("run %s waits: no guardian of %s here: %s", run.pk, run.station, error)
        return False
    return True
