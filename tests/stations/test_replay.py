"""A run replayed from its journals comes to the same state and verdict (F4, design of resume)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from shop.evidence.rules.balance import cells_of
from stations.bench import BenchLost
from stations.journal import JournalRecord
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.plain import to_plain
from stations.procedures.actions import Outcome
from stations.procedures.attendance import Span, unattended, waiting
from stations.procedures.resume import has_driven, problems, resumed
from stations.procedures.steps import Program
from stations.replay import replay
from stations.runner import begun, run
from stations.values import Draw, Event, OffProof, Protection, Reading, Setpoint
from stations.virtual import Act, VirtualBench, each_alone
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import program
from tests.stations.procedures.test_emptying_plans import bottom, capacity


def bank() -> Bank:
    return Bank([cell_of(200.0)] * 4, Wiring(), soc=[0.95] * 4, linked=False, fed=False)


class Journalled:
    """A virtual bench whose guardian journals as the real one does; dies after `lives` readings."""

    def __init__(self, inner: VirtualBench, *, token: int = 1, lives: float = float("inf")) -> None:
        self.inner = inner
        self.opened_at = inner.clock.now()
        self.lives = lives
        self.bodies: list[Mapping[str, Any]] = [
            {"kind": "open", "token": token, "at": to_plain(self.opened_at)}
        ]

    def _event(self, kind: str, data: Mapping[str, Any], at: datetime | None = None) -> None:
        now = self.inner.clock.now()
        event = Event(kind, at or now, now, to_plain(data))
        self.bodies.append({"kind": "event", "event": to_plain(event)})

    def next(self) -> Reading | Event:
        self.lives -= 1
        if self.lives < 0:
            raise BenchLost("killed")
        item = self.inner.next()
        if isinstance(item, Reading):
            self.bodies.append({"kind": "sample", "reading": to_plain(item)})
        else:
            self.bodies.append({"kind": "event", "event": to_plain(item)})
        return item

    def arrived(self) -> tuple[Reading | Event, ...]:
        return ()

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self.inner.configure(setpoint, protection)
        self._event("configured", {"setpoint": setpoint})

    def configure_load(self, draw: Draw) -> None:
        self.inner.configure_load(draw)
        self._event("configured", {"draw": draw})

    def route(self, cell: int) -> datetime:
        at = self.inner.route(cell)
        self._event("routed", {"cell": cell}, at)
        return at

    def see_parted(self) -> None:
        self.inner.see_parted()

    def energise(self) -> datetime:
        at = self.inner.energise()
        self._event("on", {}, at)
        return at

    def adjust(self, setpoint: Setpoint) -> None:
        self.inner.adjust(setpoint)
        self._event("set", {"setpoint": setpoint})

    def off(self) -> OffProof:
        if self.lives < 0:
            raise BenchLost("killed")
        return self.inner.off()

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        self.inner.note(kind, data)
        self._event(kind, data)

    def journal(self, outcome: Outcome) -> list[JournalRecord]:
        close = {
            "kind": "close",
            "outcome": {"kind": outcome.kind, "reason": outcome.reason},
            "last_seq": 0,
            "off": to_plain(self.inner.off()),
        }
        return [JournalRecord(body, "", 0) for body in [*self.bodies, close]]


@pytest.fixture
def bench() -> VirtualBench:
    return VirtualBench(bank(), sample_s=12.0)


def test_a_whole_night_comes_to_the_same_verdict_and_records(bench: VirtualBench) -> None:
    journalled = Journalled(bench)
    outcome = run(begun(program(), journalled.opened_at), journalled)

    again = replay(program(), [journalled.journal(outcome)])

    assert outcome.kind == again.outcome.kind == "FINISHED"
    assert again.outcome.run.records == outcome.run.records
    assert again.outcome.run.charge_ah == outcome.run.charge_ah


def waiting_night(bench: VirtualBench) -> Program:
    """A night whose first output waits for two hours."""
    began = bench.clock.now()
    alone = unattended(program(), timedelta(hours=4))
    return waiting(alone, Span(began, began + timedelta(hours=2)))


def with_probes() -> VirtualBench:
    return VirtualBench(
        bank(),
        person=(Act("connect", 60.0, hands="join"),),
        sample_s=12.0,
        instruments=Instruments(probes=2),
    )


def test_a_wait_that_nobody_could_be_asked_about_is_known_as_a_wait() -> None:
    """F4: else what is sampled until the bench is closed would lead past it, to an output."""
    inner = with_probes()
    made, bench = waiting_night(inner), Journalled(inner)

    def nobody() -> Sequence[str]:
        for _ in range(60):
            bench.next()  # its guardian samples on while the shop is waited for
        raise BenchLost("the shop could not be asked")

    lost = run(begun(made, bench.opened_at), bench, nobody)
    known = replay(made, [bench.journal(lost)])

    assert lost.kind == known.outcome.kind == "INTERRUPTED"
    assert known.outcome.unclosed == lost.unclosed
    assert known.outcome.unclosed.step.name == "wait"
    assert not has_driven(known.outcome.unclosed)


def test_what_was_objected_to_at_the_end_of_a_wait_is_objected_to_again() -> None:
    inner = with_probes()
    made, bench = waiting_night(inner), Journalled(inner)

    outcome = run(begun(made, bench.opened_at), bench, lambda: ["No alert was seen to arrive."])
    again = replay(made, [bench.journal(outcome)])

    assert (outcome.kind, outcome.reason) == ("REFUSED", "No alert was seen to arrive.")
    assert (again.outcome.kind, again.outcome.reason) == (outcome.kind, outcome.reason)
    assert again.outcome.run.records == outcome.run.records


@cache
def entered() -> Mapping[str, int]:
    """How many items a bench has handed out when a night enters each step."""
    whole = Journalled(VirtualBench(bank(), sample_s=12.0))
    run(begun(program(), whole.opened_at), whole)
    return entries(whole)


def entries(whole: Journalled) -> Mapping[str, int]:
    count, found = 0, {}
    for body in whole.bodies:
        kind = body.get("event", {}).get("kind", body["kind"])
        count += kind in ("sample", "act")
        if kind == "step":
            found[body["event"]["data"]["name"]] = count
    return found


@pytest.mark.parametrize(
    ("step", "items"),
    [
        ("pre-parallel", 1),
        ("connect", 50),
        ("joined", 1),
        ("balance", 2),
        ("balance", 800),  # well into the hold
        ("finish", 20),
        ("refresh", 30),
        ("unlink", 20),
        ("disconnect", 1),
    ],
)
def test_a_run_killed_anywhere_is_known_again_and_goes_on_to_the_same_end(
    step: str, items: int, bench: VirtualBench
) -> None:
    first = Journalled(bench, lives=entered()[step] + items)
    lost = run(begun(program(), first.opened_at), first)
    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", step)

    left = first.journal(lost)
    known = replay(program(), [left])
    assert known.outcome.unclosed == lost.unclosed

    bench.clock.push(30.0)
    second = Journalled(bench, token=2)
    state = resumed(
        known.outcome.unclosed, at=second.opened_at, stopped=known.stopped, reason=known.reason
    )
    outcome = run(state, second)
    assert outcome.kind == "FINISHED", outcome.reason
    assert {cell.verdict for cell in outcome.run.records[-1].cells} == {"pass"}

    both = replay(program(), [left, second.journal(outcome)])
    assert both.outcome.run.records == outcome.run.records


def test_a_capacity_test_killed_in_its_discharge_is_known_again_and_goes_on_nowhere() -> None:
    """B16: the charge before it may go on, the measurement may not."""
    made = capacity()
    cell = Bank([cell_of(200.0)], Wiring(), soc=[0.99], linked=False, fed=False)
    inner = VirtualBench(cell, person=(Act("connect", 60.0, hands="join"),), sample_s=2.0)
    first = Journalled(inner, lives=4000)

    lost = run(begun(made, first.opened_at), first)
    known = replay(made, [first.journal(lost)])

    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", "discharge")
    assert known.outcome.unclosed == lost.unclosed
    assert known.driven
    assert lost.unclosed.step_drawn_ah > 1.0
    assert problems(lost.unclosed, attempt=1, gap=timedelta(0))


def two_to_empty() -> VirtualBench:
    cells = Bank([cell_of(200.0)] * 2, Wiring(), soc=[0.12] * 2, linked=False, fed=False)
    person = each_alone(2)
    return VirtualBench(cells, person=person, sample_s=4.0)


@cache
def entered_while_emptying() -> Mapping[str, int]:
    """How many items a bench has handed out when a bottom balance enters each step."""
    whole = Journalled(two_to_empty())
    outcome = run(begun(bottom(2), whole.opened_at), whole)
    assert outcome.kind == "FINISHED", outcome.reason
    return entries(whole)


@pytest.mark.parametrize(
    ("step", "items", "from_step"),
    [
        ("connect-2", 10, "connect-2"),
        ("empty-1-1", 100, "connected-1"),
        ("empty-2-3", 200, "connected-2"),  # and from there at the current that it was at
        ("rest-1", 600, "rest-1"),  # the output was off: an interruption counts as rest
    ],
)
def test_a_bottom_balance_killed_anywhere_goes_on_with_that_cell(
    step: str, items: int, from_step: str
) -> None:
    bench = two_to_empty()
    first = Journalled(bench, lives=entered_while_emptying()[step] + items)
    lost = run(begun(bottom(2), first.opened_at), first)
    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", step)
    known = replay(bottom(2), [first.journal(lost)])
    assert known.outcome.unclosed == lost.unclosed

    bench.clock.push(30.0)
    second = Journalled(bench, token=2)
    state = resumed(
        known.outcome.unclosed, at=second.opened_at, stopped=known.stopped, reason=known.reason
    )
    outcome = run(state, second)

    assert state.step.name == from_step
    assert outcome.kind == "FINISHED", outcome.reason
    assert [r.cells[0].verdict for r in outcome.run.records if r.kind == "compare"] == ["pass"] * 2
    rests = [dict(r.facts)["age_s"] for r in outcome.run.records if r.kind == "rest"]
    assert rests == pytest.approx([1800.0] * 2, abs=5.0)
    figures = cells_of(outcome.run.records)
    assert {own.completeness for own in figures.values()} == {"COMPLETE"}
    assert [own.charge_ah for own in figures.values()] == pytest.approx([-23.6] * 2, abs=0.6)
    told = [position for position, own in figures.items() if "interrupted" in own.remark]
    assert told == ([int(step.split("-")[1])] if step.startswith("empty") else [])


def test_a_hold_that_was_killed_goes_on_as_a_hold() -> None:
    """B9: not with the first current again, of which the cell has had enough."""
    made, bench = bottom(2, finish="cv"), two_to_empty()
    whole = Journalled(two_to_empty())
    assert run(begun(made, whole.opened_at), whole).kind == "FINISHED"
    first = Journalled(bench, lives=entries(whole)["empty-2-2"] + 100)
    lost = run(begun(made, first.opened_at), first)
    known = replay(made, [first.journal(lost)])
    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", "empty-2-2")
    assert known.outcome.unclosed == lost.unclosed

    bench.clock.push(30.0)
    second = Journalled(bench, token=2)
    state = resumed(
        known.outcome.unclosed, at=second.opened_at, stopped=known.stopped, reason=known.reason
    )
    outcome = run(state, second)

    assert outcome.kind == "FINISHED", outcome.reason
    done = [r.step for r in outcome.run.records if r.kind == "discharge"]
    assert done == ["empty-1-1", "empty-1-2", "empty-2-1", "empty-2-2"]
    assert [r.cells[0].verdict for r in outcome.run.records if r.kind == "compare"] == ["pass"] * 2
    figures = cells_of(outcome.run.records)
    assert {own.completeness for own in figures.values()} == {"COMPLETE"}
    assert all(0.9 < own.tail_a <= own.done_a == 1.0 for own in figures.values())


def test_a_rest_that_was_interrupted_for_long_is_missing_and_not_judged() -> None:
    bench = two_to_empty()
    first = Journalled(bench, lives=entered_while_emptying()["rest-1"] + 600)
    lost = run(begun(bottom(2), first.opened_at), first)

    bench.clock.push(3000.0)
    state = resumed(lost.unclosed, at=bench.clock.now(), stopped=first.inner.off(), reason="lost")
    outcome = run(state, Journalled(bench, token=2))

    verdicts = [r.cells[0].verdict for r in outcome.run.records if r.kind == "compare"]
    assert verdicts == ["missing", "missing"]  # with one of two there is nothing to compare


def test_journals_that_do_not_begin_or_end_are_refused(bench: VirtualBench) -> None:
    with pytest.raises(ValueError, match="ever journalled"):
        replay(program(), [])
    journalled = Journalled(bench, lives=5)
    outcome = run(begun(program(), journalled.opened_at), journalled)
    with pytest.raises(ValueError, match="ends with close"):
        replay(program(), [journalled.journal(outcome)[:-1]])
