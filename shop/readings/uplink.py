"""The uplink of one bench: journal to chunks, output state and heartbeat, lease, stops, acts.

It may block for any time and die at any moment: the guardian and the journal do not need it.
Every tick does each duty by itself, so that one that fails does not keep the others from
theirs; what fails is logged once until it works again.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, DataError, close_old_connections, connection

from shop import clock
from shop.equipment import leases
from shop.equipment.benches import authority_s, guardian_socket, journal_folder
from shop.equipment.models import Station
from shop.equipment.states import OutputState
from shop.jobs.leasing import readopt
from shop.jobs.models import PersonAct, Run
from shop.jobs.numbers import spend_run_numbers
from shop.jobs.queries import asked_of, stopped_by
from shop.jobs.states import RunState
from shop.readings.drain import Cut, Drain
from shop.readings.hearing import Hearing
from shop.readings.journal_events import tell
from shop.readings.services import ChunkRefused
from stations.clock import guard_s
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent
from stations.journal import JournalCorrupt
from stations.plain import to_plain

log = logging.getLogger(__name__)

JOURNAL = re.compile(r"(\d+)-(\d+)\.jsonl")
TOLD_AGAIN_S = 2.0  # how long what is told of a charging bench stands, while nothing changes
LIVE_S = 10  # how long a live value is shown without a new one
UNUSABLE = (JournalCorrupt, ChunkRefused, DataError, FileNotFoundError, ValueError, KeyError)
OUTPUTS = {"off": OutputState.OFF, "on": OutputState.ON}


class Uplink:
    """One tick after another; all state can be found again in the database and the journals."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._link = GuardianLink(guardian_socket(station.slug), keeps=True)
        self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0)
        self._hearing = Hearing(station, self._broker_answers)
        self._cut = Cut(settings.CHUNK_MAX_SAMPLES, settings.CHUNK_MAX_S)
        self._drains: dict[tuple[int, int], Drain] = {}
        self._done: set[tuple[int, int]] = set()
        self._put_aside: set[tuple[int, int]] = set()
        self._forwarded: set[int] = set()
        self._stopped: set[int] = set()
        self._answered: tuple[int, int, object] | None = None  # what was asked, and is done
        self._told: dict[str, Any] = {}
        self._told_s = -math.inf
        self._renewed_s = 0.0
        self._silences = 0
        self._evidence_alarm = ""
        self._missing_alarm = ""
        self._failing: set[str] = set()

    def tick(self) -> None:
        """Every duty once; never raises for the absence of database, Redis or guardian."""
        status = self._ask_guardian()
        self._duty("lease", lambda: self._keep_lease(status))
        self._duty("stop", lambda: self._forward(status))
        self._duty("journals", lambda: self._drain(status))
        self._duty("worker", lambda: self._hearing.look(status))
        self._duty("output", lambda: self._tell_output(status))
        self._duty("live", lambda: self._show_live(status))

    def _duty(self, name: str, duty: Callable[[], None]) -> None:
        try:
            duty()
        except DatabaseError as error:
            self._drains.clear()  # a commit may be unknown: go on from what is stored
            self._failed(name, error)
            _reconnect()
        except (GuardianSilent, GuardianRefused, redis.RedisError, OSError) as error:
            self._failed(name, error)
        else:
            if name in self._failing:
                self._failing.discard(name)
                log.info("%s: %s works again", self.station.slug, name)

    def _failed(self, name: str, error: Exception) -> None:
        if name not in self._failing:
            self._failing.add(name)
            log.warning("%s: %s fails: %s", self.station.slug, name, error)

    def _ask_guardian(self) -> Mapping[str, Any] | None:
        """What the guardian says, None while it does not answer."""
        try:
            status = self._link.status()
        except (GuardianSilent, GuardianRefused) as error:
            self._silences += 1
            self._failed("guardian", error)
            return None
        self._silences = 0
        if "guardian" in self._failing:
            self._failing.discard("guardian")
            log.info("%s: the guardian answers again", self.station.slug)
        return status

    # The lease lives while a runner lives

    def _keep_lease(self, status: Mapping[str, Any] | None) -> None:
        session = (status or {}).get("session")
        if status is None or not session or not session["live"]:
            return
        if guard_s() - self._renewed_s < settings.LEASE_RENEW_S:
            return
        if not str(session["run"]).isdigit():
            return  # a person at the bench commissions it: no run of the shop, and no lease
        token = int(session["token"])
        asked_s = guard_s()
        if self._renewed(str(session["run"]), token):
            self._renewed_s = asked_s
            spent_s = guard_s() - asked_s
            self._link.lease(token=token, valid_s=authority_s(status) - spent_s)
        else:
            lost = "the lease of this run was lost"
            self._link.stop(reason=lost, run=session["run"], resumable=True)

    def _renewed(self, run: str, token: int) -> bool:
        """Also for a run that was given up while this bench was out of reach and went on alone."""
        if leases.renew(station_id=self.station.pk, token=token, ttl_s=settings.LEASE_TTL_S):
            return True
        return run.isdigit() and readopt(int(run), token=token)

    # What people ask for

    def _forward(self, status: Mapping[str, Any] | None) -> None:
        session = (status or {}).get("session")
        if not session or not session["live"] or not str(session["run"]).isdigit():
            return
        run_id, token = int(session["run"]), int(session["token"])
        asked = (run_id, token, asked_of(run_id, token))
        if asked == self._answered:
            return
        run = Run.objects.filter(pk=run_id, token=token).first()
        if run is None:
            return
        if run.state == RunState.INTERRUPTED:  # taken for lost; what ends it must be its own token
            self._renewed(str(run_id), token)
        if run.stop_requested_at is not None and run.pk not in self._stopped:
            self._link.stop(reason=stopped_by(run), run=str(run.pk))
            self._stopped.add(run.pk)
        for act in PersonAct.objects.filter(run=run).exclude(pk__in=self._forwarded):
            if not act.holds_in(run.attempt):
                continue
            ago_s = max(0.0, (clock.now() - act.at).total_seconds())
            told = {"act": str(act.pk), "kind": act.kind, "data": act.data, "ago_s": ago_s}
            self._link.act(run=str(run.pk), **told)
            self._forwarded.add(act.pk)
        self._answered = asked

    # Readings

    def _drain(self, status: Mapping[str, Any] | None) -> None:
        """Every journal that is not wholly stored, whoever wrote it and whoever died since."""
        self._find_journals()
        self._leave_closed()
        now = clock.now()
        for key, drain in list(self._drains.items()):
            try:
                drain.advance(self._cut, now)
                self._tell_run(drain, now)
            except UNUSABLE as error:  # one journal keeps no other from being stored
                self._set_aside(key, error)
                continue
            if drain.closed:
                Run.objects.filter(
                    pk=drain.run_id, attempt=drain.attempt, journal_closed_at__isnull=True
                ).update(journal_closed_at=now)
                del self._drains[key]
                self._done.add(key)
        if not _lives(status):  # else what this bench was given has its journal
            self._close_unwritten(now)

    def _find_journals(self) -> None:
        folder = journal_folder(self.station.slug)
        names = (JOURNAL.fullmatch(path.name) for path in folder.glob("*.jsonl"))
        found = {(int(name[1]), int(name[2])) for name in names if name}
        new = found - self._drains.keys() - self._done
        if not new:
            return
        runs = Run.objects.filter(pk__in=[run_id for run_id, _ in new], station=self.station)
        known = {run.pk for run in runs}
        self._keep_clear({run_id for run_id, _ in new} - known)
        stored = {(run.pk, run.attempt) for run in runs if run.journal_closed_at is not None}
        for key in sorted(new):
            run_id, attempt = key
            if run_id not in known or key in stored:
                self._done.add(key)
            else:
                path = folder / f"{run_id}-{attempt}.jsonl"
                self._drains[key] = Drain(path, run_id=run_id, attempt=attempt)

    def _leave_closed(self) -> None:
        """Attempts whose account was closed while this bench was out of reach: given up."""
        if not self._drains:
            return
        runs = Run.objects.filter(pk__in=[run_id for run_id, _ in self._drains])
        closed = runs.filter(journal_closed_at__isnull=False).values_list("pk", "attempt")
        for key in self._drains.keys() & set(closed):
            del self._drains[key]
            self._done.add(key)

    def _keep_clear(self, unknown: set[int]) -> None:
        """Runs that the bench remembers and the database does not, as after a backup came back.

        Their journals stay, and no new run gets their numbers: it would take over their readings.
        """
        if not unknown:
            return
        spend_run_numbers(max(unknown))
        named = ", ".join(map(str, sorted(unknown)))
        self._evidence_alarm = (
            f"The journals of runs {named} are here and the database does not know them: was a "
            "backup restored? Balance the cells of those runs again, then move the journals away."
        )
        log.error("%s: %s", self.station.slug, self._evidence_alarm)

    def _set_aside(self, key: tuple[int, int], error: Exception) -> None:
        """Evidence that contradicts itself: kept on the bench, said until the uplink restarts."""
        del self._drains[key]
        self._done.add(key)
        self._put_aside.add(key)
        self._evidence_alarm = str(error)
        log.error("%s: run %s: %s", self.station.slug, key, error)

    def _tell_run(self, drain: Drain, now: datetime) -> None:
        records = drain.take_events()
        if not records or drain.token is None:
            return
        rows = Run.objects.filter(pk=drain.run_id, attempt=drain.attempt, token=drain.token)
        run = rows.first()
        if run is not None:
            tell(run, records, now=now)

    def _close_unwritten(self, now: datetime) -> None:
        """An interrupted run without a journal, or with a broken one, has nothing left to store.

        It can then end as ERROR and free its station; a broken journal stays for a person.  One
        that is missing although some of it was stored may be on another disk: that is said.
        """
        missing = []
        for run in Run.objects.filter(
            station=self.station, state=RunState.INTERRUPTED, journal_closed_at__isnull=True
        ):
            path = journal_folder(self.station.slug) / f"{run.pk}-{run.attempt}.jsonl"
            aside = path.with_suffix(".corrupt")
            broken = (run.pk, run.attempt) in self._put_aside or aside.exists()
            if path.exists() and not broken:
                continue
            if broken or not run.is_journalled:
                Run.objects.filter(pk=run.pk).update(journal_closed_at=now)
            else:
                missing.append(
                    f"The journal of run {run.pk}, {path}, is missing and the run waits for it: "
                    f"bring it back, or give the run up with an empty file {aside.name} there."
                )
        self._missing_alarm = " ".join(missing)

    # What everybody may see

    def _tell_output(self, status: Mapping[str, Any] | None) -> None:
        if status is None and self._silences < 2:
            return
        told = status or {"output": "unknown", "alarm": "The guardian does not answer."}
        last_off = told.get("last_off")
        evidence = (self._evidence_alarm, self._missing_alarm)
        alarms = (str(told.get("alarm", "")), *evidence, self._hearing.alarm)
        now_told: dict[str, Any] = {
            "output_state": OUTPUTS.get(str(told["output"]), OutputState.UNKNOWN),
            "output_at": datetime.fromisoformat(last_off["received_at"]) if last_off else None,
            "alarm": " ".join(filter(None, alarms)),
            "highest_token": int(told.get("highest_token", 0)),
            "heard": status is not None,
        }
        if _lives(status) and now_told == self._told and guard_s() - self._told_s < TOLD_AGAIN_S:
            return
        leases.heartbeat(station_id=self.station.pk, **now_told)
        self._told, self._told_s = now_told, guard_s()

    def _broker_answers(self) -> bool:
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def _show_live(self, status: Mapping[str, Any] | None) -> None:
        """The newest values for the pages, by Redis only: never evidence."""
        session = (status or {}).get("session")
        run_id = int(session["run"]) if session and str(session["run"]).isdigit() else None
        drain = next((d for k, d in self._drains.items() if k[0] == run_id), None)
        live = {
            "station": self.station.slug,
            "run": run_id,
            "output": (status or {}).get("output", "unknown"),
            "alarm": (status or {}).get("alarm", "The guardian does not answer."),
            "speed": (status or {}).get("speed"),
            "simulated": (status or {}).get("simulated"),
            "step": drain.step if drain else None,
            "reading": to_plain(drain.latest) if drain and drain.latest else None,
            "at": clock.now().isoformat(),
        }
        self._redis.set(f"live:{self.station.slug}", json.dumps(live), ex=LIVE_S)


def _lives(status: Mapping[str, Any] | None) -> bool:
    """Whether a runner is there that drives the bench."""
    return bool(((status or {}).get("session") or {}).get("live"))


def _reconnect() -> None:
    """Drop a connection that failed; the next query opens another."""
    if not connection.in_atomic_block:
        close_old_connections()
