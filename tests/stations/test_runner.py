"""The runner ends every way with the output off, and keeps the outcomes apart."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.bench import BenchError
from stations.runner import begun, run
from stations.values import Event, Reading
from tests.stations.procedures.scripted import START, ScriptedBench, holding, program, reading


def act(seconds: float, step: str) -> Event:
    at = START + timedelta(seconds=seconds)
    return Event("act", at, at, {"id": 1, "kind": "confirm", "step": step})


def ended(seconds: float, kind: str) -> Event:
    at = START + timedelta(seconds=seconds)
    return Event(kind, at, at, {"reason": f"{kind} for the test"})


def to_the_hold() -> list[Reading | Event]:
    before = [reading(s) for s in (1, 2, 3)]
    joined = [reading(s) for s in (5, 6, 7, 8)]
    return [*before, act(4, "connect"), *joined, holding(10, 14.4, 3.5, regulation="CC")]


def a_whole_night() -> list[Reading | Event]:
    hold: list[Reading | Event] = [holding(60.0 * m, 0.9) for m in range(1, 33)]
    after = [reading(s, cell_voltages_v=(3.647,) * 4) for s in (2002, 2003, 2004, 2005)]
    return [
        *to_the_hold(),
        act(20, "finish"),
        *hold,
        reading(2000),
        act(2001, "unlink"),
        *after,
    ]


def test_a_night_finishes_with_every_cell_measured() -> None:
    bench = ScriptedBench(a_whole_night())

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    assert [r.step for r in outcome.run.records] == [
        "pre-parallel",
        "connect",
        "joined",
        "balance",
        "finish",
        "joined-still",
        "refresh",
        "unlink",
        "disconnect",
    ]
    assert {cell.verdict for cell in outcome.run.records[-1].cells} == {"pass"}
    assert outcome.run.current_stopped is not None
    assert not bench.output_on


def test_a_wait_after_the_tail_is_answered_by_a_refresh_hold() -> None:
    items = [item for item in a_whole_night() if not (isinstance(item, Event))]
    bench = ScriptedBench(
        [
            *to_the_hold(),
            *[i for i in items if i.output_on and i.seq > 11],
            reading(2000),
            act(2001, "finish"),
            *[reading(s) for s in (2002, 2003, 2004, 2005)],
            *[holding(2100 + 60.0 * m, 0.5) for m in range(16)],
            reading(4000),
            act(4001, "unlink"),
            *[reading(s, cell_voltages_v=(3.647,) * 4) for s in (4002, 4003, 4004, 4005)],
        ]
    )

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    assert bench.asked.count("energise") == 2
    refresh = next(r for r in outcome.run.records if r.step == "refresh")
    assert dict(refresh.facts)["cv_s"] >= 900


def test_cells_that_must_not_be_joined_are_refused_without_any_output() -> None:
    bench = ScriptedBench([reading(s, cell_voltages_v=(3.3, 3.3, -3.3, 3.3)) for s in (1, 2, 3)])

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "REFUSED"
    assert "reversed" in outcome.problems[0]
    assert "energise" not in bench.asked


def test_guardians_ends_keep_their_kind_and_leave_a_partial_record() -> None:
    for kind, expected in (("stop", "STOPPED"), ("trip", "TRIPPED"), ("safe_hold", "ERROR")):
        bench = ScriptedBench([*to_the_hold(), holding(60, 9.0), ended(61, kind)])

        outcome = run(begun(program(), START), bench)

        assert outcome.kind == expected
        assert outcome.run.reached_cv
        assert "partial" in outcome.run.records[-1].remarks
        assert not bench.output_on


def test_a_stop_between_the_two_tail_limits_leaves_an_essentially_balanced_bank() -> None:
    """B2: held at 1.5 A, between 1 A and 2 A, for longer than half an hour in CV."""
    hold = [holding(60.0 * m, 1.5) for m in range(1, 40)]
    off = reading(2400)
    bench = ScriptedBench([*to_the_hold(), *hold, off, ended(2401, "stop")])

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "STOPPED"
    assert outcome.run.records[-1].remarks[0] == "essentially balanced"
    assert dict(outcome.run.records[-1].facts)["tail_a"] == 1.5


def test_a_supply_that_cannot_be_configured_is_never_energised() -> None:
    bench = ScriptedBench(to_the_hold(), fails="configure")

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "ERROR"
    assert "energise" not in bench.asked


def test_an_output_that_is_not_proven_off_is_an_error_whatever_came_before() -> None:
    bench = ScriptedBench([reading(s) for s in (1, 2)], fails="off")

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "ERROR"
    assert "could not be proven off" in outcome.reason


@pytest.mark.parametrize(
    ("kind", "expected"), [("stop", "STOPPED"), ("trip", "TRIPPED"), ("safe_hold", "ERROR")]
)
def test_an_end_at_the_very_moment_of_a_command_keeps_its_kind_and_the_record(
    kind: str, expected: str
) -> None:
    """The guardian refuses the set-point of a session that it has just ended."""
    above = holding(60, 9.0, 3.66)  # asks for a trim downwards
    bench = ScriptedBench(
        [*to_the_hold(), holding(30, 9.0), holding(50, 9.0), above], fails="adjust"
    )
    bench.pushed = [holding(61, 9.0), ended(61, kind)]

    outcome = run(begun(program(), START), bench)

    assert "adjust" in bench.asked
    assert (outcome.kind, outcome.reason) == (expected, f"{kind} for the test")
    assert [r.step for r in outcome.run.records].count("balance") == 1
    assert "partial" in outcome.run.records[-1].remarks


def test_readings_of_before_a_set_point_was_obeyed_ask_for_no_other() -> None:
    """B5: trimmed once for one excess, however far the stream lags behind."""
    above = [holding(60.0 + s, 9.0, 3.655) for s in range(1, 6)]
    after = [holding(70.0 + s, 9.0, 3.648) for s in range(3)]
    bench = ScriptedBench([*to_the_hold(), holding(30, 9.0), holding(50, 9.0), *above, *after])
    bench.pushed = list(above[1:])

    run(begun(program(), START), bench)

    assert bench.asked.count("adjust") == 1


def test_a_charge_that_is_done_has_one_record_although_its_off_is_not_proven() -> None:
    hold = [holding(60.0 * m, 0.9) for m in range(1, 60)]
    bench = ScriptedBench([*to_the_hold(), *hold], fails="off")

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "ERROR"
    assert [r.step for r in outcome.run.records].count("balance") == 1


def test_readings_of_before_the_output_was_on_are_no_part_of_the_charge() -> None:
    """The stream lags behind: what was read while the supply was set up comes afterwards."""
    bench = ScriptedBench(to_the_hold()[:-1])
    bench.energised_at = START + timedelta(seconds=9)
    late = [reading(s) for s in (8.2, 8.4, 8.6, 8.8)]
    bench.follow_with([*late, holding(10, 14.4, 3.5, regulation="CC"), ended(11, "stop")])

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "STOPPED", outcome.reason
    assert outcome.run.records[-1].entered_at == bench.energised_at


def test_readings_of_before_the_output_was_off_are_no_part_of_what_follows() -> None:
    items = a_whole_night()
    off = next(i for i, item in enumerate(items) if item == reading(2000))
    on = [holding(1920.0 + s, 0.9) for s in (0.2, 0.4, 0.6, 0.8)]
    bench = ScriptedBench([*items[:off], *on, *items[off:]])
    bench.proven_off_at = START + timedelta(seconds=1999)

    outcome = run(begun(program(), START), bench)

    assert outcome.kind == "FINISHED", outcome.reason


def test_a_confirmation_that_does_not_fit_is_ignored_and_noted() -> None:
    bench = ScriptedBench([act(1, "unlink"), ended(2, "stop")])

    run(begun(program(), START), bench)

    assert [kind for kind, _ in bench.notes].count("ignored") == 1


ITEMS = st.one_of(
    st.builds(
        holding,
        seconds=st.floats(min_value=0, max_value=1e5),
        current_a=st.floats(allow_nan=True, allow_infinity=True),
        voltage_v=st.floats(allow_nan=True, allow_infinity=True),
        output_on=st.booleans(),
        flags=st.sampled_from([frozenset(), frozenset({"meter_silent"})]),
    ),
    st.builds(reading, seconds=st.floats(min_value=0, max_value=1e5)),
    st.builds(act, st.floats(min_value=0, max_value=1e5), st.sampled_from(["connect", "finish"])),
    st.builds(ended, st.just(1.0), st.sampled_from(["stop", "trip", "safe_hold", "other"])),
    st.just(BenchError("gone")),
)


@settings(max_examples=200)
@given(
    items=st.lists(ITEMS, max_size=40),
    fails=st.sampled_from(["", "configure", "energise", "adjust", "off"]),
    lead_in=st.booleans(),
)
def test_no_program_leaves_an_output_on(
    items: list[Reading | Event | BenchError], fails: str, lead_in: bool
) -> None:
    bench = ScriptedBench([*(to_the_hold() if lead_in else []), *items], fails=fails)

    run(begun(program(), START), bench)

    assert not bench.output_on
    assert "energise" not in bench.asked or bench.asked[-1] == "off"
