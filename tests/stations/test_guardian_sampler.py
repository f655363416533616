"""A sample becomes a reading: what is missing is NaN and has its flag."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from stations.clock import guard_s
from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    Measured,
    SupplyState,
    Temperatures,
)
from stations.guardian.lane import Answer, Done
from stations.guardian.sampler import Sample, Sampler, reading_of
from stations.guardian.switched import ReadBack
from stations.plain import to_plain
from stations.values import NAN, Reading, Setpoint

AT = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)


def supply(
    on: bool = True, tripped: str = "", as_set: bool = True, protected: bool = True
) -> ReadBack[SupplyState]:
    state = SupplyState(
        setpoint=Setpoint(3.65, 14.4),
        voltage_v=3.5,
        current_a=14.4 if on else 0.0,
        output_on=on,
        regulation="CC",
        tripped=tripped,
        raw="01 03",
    )
    return ReadBack(state, as_set, protected)


GOOD: Mapping[str, Any] = {
    "supply": supply(),
    "meter": Measured((3.4,), "+3.4"),
    "scanner": Measured((3.41, 3.42), "+3.41,+3.42"),
}


def reading(
    heard: Mapping[str, Any], *, on: bool = True, occupied: int = 0, probes: int = 0
) -> Reading:
    sample = Sample(began_s=10.0, pending=set(), heard=dict(heard))
    sample.oldest_s = 10.0
    return reading_of(
        sample,
        seq=1,
        at=AT,
        received_at=AT,
        now_s=10.25,
        expected_on=on,
        cells=2,
        stuck=frozenset(),
        occupied=occupied,
        probes=probes,
    )


def test_wires_with_no_cell_on_them_are_nobodys_doubt() -> None:
    """B17: one cell alone on a bench that is wired for more."""
    open_wire = {**GOOD, "scanner": Measured((3.41, NAN), "+3.41,+9.9E+37")}

    one = reading(open_wire, occupied=1)

    assert (one.cell_voltages_v, one.flags) == ((3.41,), frozenset())
    short = reading({**GOOD, "scanner": Measured((3.41,), "+3.41")}, occupied=1)
    assert short.flags == {"scanner_invalid"}


@pytest.mark.parametrize(
    ("celsius", "told", "hottest", "flags"),
    [
        ((25.0, 26.5, NAN), (25.0, 26.5), 26.5, set()),  # the third probe is on no cell
        ((25.0, NAN, NAN), (25.0, None), 25.0, {"thermometer_invalid"}),
        ((25.0, 125.0, NAN), (25.0, None), 25.0, {"thermometer_invalid"}),
        (None, (None, None), None, {"thermometer_silent"}),
    ],
)
def test_a_probe_that_is_lost_or_says_what_cannot_be_is_a_doubt(
    celsius: Any, told: Any, hottest: Any, flags: set[str]
) -> None:
    heard = {**GOOD} if celsius is None else {**GOOD, "thermometer": Temperatures(celsius, "01")}

    seen = reading(heard, probes=3)

    assert to_plain(seen.temperatures_c) == [*told]
    assert to_plain(seen.temperature_c) == hottest
    assert seen.flags == flags


def test_a_whole_sample_is_a_reading_without_doubt() -> None:
    whole = reading(GOOD)

    assert (whole.voltage_v, whole.supply_current_a) == (3.4, 14.4)
    assert whole.cell_voltages_v == (3.41, 3.42)
    assert (whole.output_on, whole.regulation, whole.age_s) == (True, "CC", 0.25)
    assert whole.flags == frozenset()


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"meter": None}, {"meter_silent"}),
        ({"scanner": None}, {"scanner_silent"}),
        ({"meter": Measured((NAN,), "+9.9E+37")}, {"meter_invalid"}),
        ({"scanner": Measured((3.41, NAN), "")}, {"scanner_invalid"}),
        ({"scanner": Measured((3.41,), "")}, {"scanner_invalid"}),
        ({"supply": supply(as_set=False)}, {"supply_setpoint"}),
        ({"supply": supply(protected=False)}, {"supply_protection"}),
        ({"supply": supply(on=False, tripped="OVP")}, {"supply_tripped_ovp"}),
    ],
)
def test_what_is_missing_or_in_doubt_has_a_flag(
    changes: Mapping[str, Any], flags: set[str]
) -> None:
    heard = {role: value for role, value in {**GOOD, **changes}.items() if value is not None}

    assert reading(heard).flags == flags


def test_no_value_is_missing_without_a_flag() -> None:
    for absent in GOOD:
        made = reading({r: v for r, v in GOOD.items() if r != absent})
        values = (made.voltage_v, made.supply_current_a, *made.cell_voltages_v)
        assert any(math.isnan(value) for value in values)
        assert made.flags == {f"{absent}_silent"}


def test_an_old_trip_or_knob_is_no_doubt_while_the_output_is_off() -> None:
    off = {**GOOD, "supply": supply(on=False, tripped="OVP", as_set=False, protected=False)}

    assert reading(off, on=False).flags == frozenset()
    assert reading(off, on=False).regulation == ""


class Lane:
    """A lane that answers when the test says so."""

    def __init__(self) -> None:
        self.waiting = 0
        self.asked: list[Done] = []

    def submit(self, priority: int, work: Callable[[Any], Any], done: Done) -> None:
        self.waiting += 1
        self.asked.append(done)

    def answer(self, value: Any) -> None:
        self.waiting -= 1
        error = value if isinstance(value, Exception) else None
        self.asked.pop(0)(Answer(None if error else value, error, guard_s(), guard_s()))


def sampler() -> tuple[Sampler, dict[str, Lane], list[Sample]]:
    lanes, done = {role: Lane() for role in GOOD}, list[Sample]()
    return Sampler(lanes, 2.0, done.append), lanes, done  # type: ignore[arg-type]


def test_a_sample_is_done_when_all_have_answered() -> None:
    watched, lanes, done = sampler()
    watched.begin(tuple(lanes))

    lanes["meter"].answer(GOOD["meter"])
    lanes["scanner"].answer(BadReply("garbage"))
    assert done == []
    lanes["supply"].answer(GOOD["supply"])

    assert done[0].doubts == {"scanner_invalid"}
    assert done[0].raw == {"meter": "+3.4", "supply": "01 03"}
    assert not watched.busy


def test_who_has_not_answered_in_time_was_silent_and_is_not_asked_again_meanwhile() -> None:
    watched, lanes, done = sampler()
    watched.begin(tuple(lanes))
    lanes["supply"].answer(GOOD["supply"])
    lanes["scanner"].answer(GOOD["scanner"])

    watched.tick(watched.due_s())
    watched.begin(tuple(lanes))
    lanes["supply"].answer(GOOD["supply"])
    lanes["scanner"].answer(GOOD["scanner"])
    lanes["meter"].answer(InstrumentSilent("late"))

    assert [sample.doubts for sample in done] == [{"meter_silent"}, {"meter_silent"}]
    assert lanes["meter"].asked == []


def test_a_dropped_sample_is_never_finished() -> None:
    watched, lanes, done = sampler()
    watched.begin(tuple(lanes))

    watched.drop()
    for role, lane in lanes.items():
        lane.answer(GOOD[role])

    assert done == []
    assert not watched.busy


def test_a_lane_still_busy_for_a_dropped_sample_is_not_silent() -> None:
    watched, lanes, done = sampler()
    watched.begin(tuple(lanes))
    watched.drop()

    watched.begin(tuple(lanes))
    for _ in range(2):
        for role, lane in lanes.items():
            lane.answer(GOOD[role])

    assert [sample.doubts for sample in done] == [set()]
