"""Whether a station's worker still hears: a run that waits although nothing is in its way.

A worker may answer every question and take no message any more.  What shows it is the work
itself: the run is queued and sent again and again, the bench is free, the broker answers, and
nobody takes it.  Such a worker is idle, so its supervisor may start it anew; the complaint is a
file that the supervisor watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db.models import Q

from shop import clock
from shop.equipment.benches import deaf_worker_file
from shop.equipment.models import Station
from shop.jobs.attending import waits_for_somebody
from shop.jobs.models import Run
from shop.jobs.queries import before_its_moment
from shop.jobs.states import RunState
from stations.clock import guard_s

log = logging.getLogger(__name__)


class Hearing:
    """`look` at every tick; `alarm` is what people should know, or nothing."""

    def __init__(self, station: Station, broker_answers: Callable[[], bool]) -> None:
        self.alarm = ""
        self._station = station
        self._broker_answers = broker_answers
        self._run_id: int | None = None
        self._since_s = 0.0  # guard time since when it waits in vain, or of the last complaint

    def look(self, status: Mapping[str, Any] | None) -> None:
        """`status` is the guardian's, None where it does not answer."""
        run_id = self._waiting(status)
        if run_id is None or run_id != self._run_id:
            self._run_id, self._since_s, self.alarm = run_id, guard_s(), ""
        elif guard_s() - self._since_s >= settings.DEAF_AFTER_S:
            self._since_s = guard_s()
            self._complain(run_id)

    def _waiting(self, status: Mapping[str, Any] | None) -> int | None:
        """The run that a worker should have taken by now.

        Not one that waits for its moment (F6), or for somebody to be there (F4).
        """
        if status is None or status["session"] or status["output"] != "off":
            return None
        queued = Q(state=RunState.QUEUED, station__lease__owner__isnull=True)
        interrupted = Q(
            state=RunState.INTERRUPTED,
            journal_closed_at__isnull=False,
            stop_requested_at__isnull=True,
        )
        now = clock.now()
        waiting = Run.objects.filter(queued | interrupted, station=self._station)
        run = waiting.exclude(before_its_moment(now)).first()
        if run is None or (run.state == RunState.INTERRUPTED and waits_for_somebody(run, now)):
            return None
        return run.pk if self._broker_answers() else None

    def _complain(self, run_id: int) -> None:
        self.alarm = (
            f"No worker takes run {run_id} although the bench is free; "
            "the station's worker is being started again."
        )
        log.warning("%s: %s", self._station.slug, self.alarm)
        with suppress(OSError):
            deaf_worker_file(self._station.slug).touch()
