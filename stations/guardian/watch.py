"""Looking at the bench on an absolute schedule: sample, judge, record, hand on.

Safety acts on a sample at once.  Everything else — the runner, the age of the last valid
sample — sees it only when the journal has it on disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from stations.clock import guard_s, wall_now
from stations.frozen import changed
from stations.guardian.envelope import judge
from stations.guardian.lane import Answer
from stations.guardian.peer import Peer
from stations.guardian.sampler import ROLES, STRING_ROLES, SWITCHED, Sample, Sampler, reading_of
from stations.guardian.session import Session
from stations.guardian.strings import cells_by
from stations.plain import to_plain
from stations.values import Reading

if TYPE_CHECKING:
    from stations.guardian.core import Guardian

BEAT_S = 0.25  # the heartbeat file is touched at most this often


class Watch:
    """The eyes of one guardian.

    With a session it reads every instrument each second of process time (but no faster than
    every 50 ms of wall time); without one it asks only supply and load whether they are off.
    What the schedule has skipped before a sample (the loop was late, a command was under way, a
    sample was dropped) stands in that sample's record.
    """

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._sampler = Sampler(
            guardian.lanes, guardian.config.timing.sample_limit_s, self._sampled
        )
        self._measuring = tuple(role for role in ROLES if role in guardian.lanes)
        self._with_bms = tuple(role for role in STRING_ROLES if role in guardian.lanes)
        self._switched = tuple(role for role in SWITCHED if role in guardian.lanes)
        self._due_s = guard_s()  # when the last sample was due, on the absolute schedule
        self._turns = 0  # of the schedule since the last recorded sample
        self._turn_s = 0.0  # how long each of them is
        self._beat_s = 0.0
        self._doubt = ""  # of the readings since the last good one

    def drop(self) -> None:
        """Forget the sample under way: an output command would mix before and after in it."""
        self._sampler.drop()

    def due_s(self) -> float:
        next_s = self._due_s + self._period_s() if self._may_sample() else math.inf
        return min(next_s, self._sampler.due_s())

    def tick(self, now_s: float) -> None:
        self._sampler.tick(now_s)
        period_s = self._period_s()
        if self._may_sample() and now_s >= self._due_s + period_s:
            turns = math.floor((now_s - self._due_s) / period_s)
            self._due_s += turns * period_s
            self._turns += turns if period_s == self._turn_s else 1  # none of another length
            self._turn_s = period_s
            self._sampler.begin(self._asked())

    def _asked(self) -> tuple[str, ...]:
        session = self._guardian.active
        if session is None:
            return self._switched
        return self._with_bms if session.limits.series_cells else self._measuring

    def _period_s(self) -> float:
        timing = self._guardian.config.timing
        if self._guardian.active is None:
            return timing.idle_poll_s
        return max(timing.sample_s / self._guardian.clock.speed, timing.sample_min_s)

    def _may_sample(self) -> bool:
        guardian = self._guardian
        held = self._sampler.busy or guardian.off.first_try or guardian.commanding
        return not (held or guardian.shutting_down)

    def _sampled(self, sample: Sample) -> None:
        guardian = self._guardian
        silent = [role for role in self._switched if role not in sample.heard]
        if silent:
            silence = sample.errors.get(silent[0], "")
            guardian.off.unseen(f"the {silent[0]} does not answer: {silence}")
        else:
            guardian.off.answered()
            self._beat()
        # Before the judgement, which may ask for off: what was proven before counts no more.
        if not silent or self._astray(sample):
            self._compare(sample)
        if guardian.active is not None:
            self._take(guardian.active, sample)

    def _astray(self, sample: Sample) -> tuple[str, ...]:
        """Supply or load found on without having been asked on."""
        session = self._guardian.session
        asked = session.drives if session is not None and session.expected_on else ""
        return tuple(role for role in sample.found_on if role != asked)

    def _compare(self, sample: Sample) -> None:
        """The outputs as they were found against the one that was asked."""
        guardian, astray = self._guardian, self._astray(sample)
        expected_on = guardian.session is not None and guardian.session.expected_on and not astray
        if astray and not guardian.off.wanted:
            guardian.event("alarm", {"words": "the output was found on; switching it off"})
        guardian.off.seen(bool(sample.found_on), expected_on=expected_on)

    def _take(self, session: Session, sample: Sample) -> None:
        """Make the session's next reading of a sample; judged at once, used when on disk."""
        guardian = self._guardian
        now_s, at, received_at = guard_s(), guardian.clock.now(), wall_now()
        session = session.heard_raw(sample.raw, at, sample.current_a)
        if sample.bms is not None and (metered := sample.measured("meter")) is not None:
            told_v = sample.bms.state.cell_volts
            session = session.heard_bms(told_v, metered.volts[0], sample.current_a)
        astray = self._astray(sample)
        driven = "load" if sample.found_on == ("load",) else session.drives
        scanner, thermometer = guardian.config.scanner, guardian.config.thermometer
        wired = len(scanner.channels) if scanner else 0
        reading = reading_of(
            sample,
            seq=session.seq + 1,
            at=at,
            received_at=received_at,
            now_s=now_s,
            expected_on=session.expected_on,
            cells=wired,
            occupied=session.cells,
            probes=len(thermometer.channels) if thermometer else 0,
            stuck=session.stuck(at),
            driven=driven,
            cells_by=cells_by(session.limits, wired),
        )
        tally, verdict = judge(
            session.limits,
            session.tally,
            reading,
            expected_on=session.expected_on,
            draws=driven == "load",
            astray=astray[0] if astray else "",
        )
        guardian.session = changed(session, seq=reading.seq, tally=tally)
        self._record(reading, sample, now_s)
        if verdict is not None:
            guardian.end(verdict.kind, verdict.reason, resumable=verdict.resumable)

    def _record(self, reading: Reading, sample: Sample, now_s: float) -> None:
        guardian = self._guardian
        body = {
            "kind": "sample",
            "reading": to_plain(reading),
            "raw": sample.raw,
            "speed": guardian.clock.speed,
        }
        if sample.errors:
            body["errors"] = sample.errors
        skipped, self._turns = self._turns - 1, 0
        if skipped > 0 and reading.seq > 1:
            body["skipped"] = skipped
        kept = partial(self._kept, guardian.runner, reading, body["reading"], now_s)
        guardian.recorder.append(body, kept)

    def _kept(
        self,
        runner: Peer | None,
        reading: Reading,
        plain: Mapping[str, Any],
        sampled_s: float,
        answer: Answer,
    ) -> None:
        guardian = self._guardian
        if answer.error is not None:
            guardian.unwritable(answer.error)
            return
        guardian.disk_alarm = ""
        if runner is not None:
            runner.send({"reading": plain})
        session = guardian.session
        if reading.flags:
            self._doubt = ", ".join(sorted(reading.flags))
        elif session is not None:
            guardian.session = changed(session, valid_s=max(session.valid_s, sampled_s))
            self._hold_contactor()
            self._hold_route()
            self._doubt = ""

    def _hold_contactor(self) -> None:
        """All is well with the output on: the contactor's time begins anew."""
        if self._guardian.contactor is not None and self._holds():
            self._guardian.contactor.hold(self._holds, self._let_go)

    def _holds(self) -> bool:
        session = self._guardian.active
        ended = session is None or session.ending is not None or not session.expected_on
        return not (ended or self._guardian.off.wanted)

    def _let_go(self, words: str) -> None:
        if self._holds():
            self._guardian.end("safe_hold", f"the contactor is not held: {words}")

    def _hold_route(self) -> None:
        """All is well: the time of the cell's route begins anew, output on or off."""
        router, session = self._guardian.router, self._guardian.active
        if router is not None and session is not None and session.routed:
            cell = session.routed
            wanted, failed = partial(self._keeps, cell), partial(self._route_lost, cell)
            router.hold(cell, wanted, failed, self._doubt)

    def _keeps(self, cell: int) -> bool:
        session = self._guardian.active
        return session is not None and session.ending is None and session.routed == cell

    def _route_lost(self, cell: int, words: str) -> None:
        if self._keeps(cell):
            self._guardian.end("safe_hold", f"the route to cell {cell} is not held: {words}")

    def _beat(self) -> None:
        """Touch the heartbeat: what can be on answered, and this loop is alive to say so."""
        now_s = guard_s()
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            with suppress(OSError):
                (self._guardian.config.folder / "heartbeat").touch()
