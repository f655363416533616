"""Cells to which the bench's meter is led: settled, refused, asked again, timed out (B7, G6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.plain import from_plain, to_plain
from stations.procedures import by_hand, check, led
from stations.procedures.actions import Finish, Hold, SafeHold
from stations.procedures.decide import decide
from stations.procedures.leading import LED, led_steps
from stations.procedures.resume import resumed
from stations.procedures.state import Run
from stations.procedures.steps import Instruct, Measure, Program
from stations.values import NAN, OffProof, Reading
from tests.stations.procedures.scripted import RATINGS, START, program, reading, run_at
from tests.stations.procedures.test_by_hand import BY_HAND
from tests.stations.procedures.test_emptying_plans import bottom
from tests.stations.procedures.test_recheck import made as made_recheck
from tests.stations.procedures.test_single_cells import made as made_single

UNSCANNED = replace(RATINGS, scanner=None)
OPEN_V = 0.0001


def led_program(**changes: Any) -> Program:
    return led_steps(program(**changes))


def at_disconnect() -> Run:
    return run_at("disconnect", led_program())


def scan(cell: int, **more: Any) -> dict[str, Any]:
    said = {"id": f"a{cell}", "kind": "scan", "step": "disconnect", "cell": cell}
    return said | {"meter": "METER-1", "scanned_at": START.isoformat()} | more


def heard(run: Run, seconds: float, data: dict[str, Any]) -> Run:
    at = START + timedelta(seconds=seconds)
    return led.scanned(run, data, at=at, received_at=at)


def scanned(run: Run, seconds: float, cell: int, **more: Any) -> Run:
    at = START + timedelta(seconds=seconds)
    return heard(run, seconds, scan(cell, scanned_at=at.isoformat(), **more))


def sample(seconds: float, volts: float, **more: Any) -> Reading:
    return reading(seconds, voltage_v=volts, cell_voltages_v=(), **more)


def shown(run: Run, since_s: float, volts: Sequence[float]) -> Run:
    """What the meter shows from `since_s` on, once a second; nothing of it ends the step."""
    for second, volt in enumerate(volts):
        at_s = since_s + second
        run, action = decide(run, sample(at_s, volt), START + timedelta(seconds=at_s))
        assert action == Hold()
    return run


def led_to(run: Run, since_s: float, cell: int, volts: float, **more: Any) -> Run:
    """Probes off, on the next cell, scanned, and still for as long as it takes."""
    run = shown(run, since_s, [OPEN_V, volts])
    return shown(scanned(run, since_s + 1.5, cell, **more), since_s + 2, [volts] * 4)


def led_round(run: Run, volts: Sequence[float]) -> Run:
    for turn, volt in enumerate(volts):
        run = led_to(run, 10.0 * turn + 1, turn % 4 + 1, volt)
    return run


def test_a_cell_is_read_once_the_meter_has_stood_still_since_the_scan() -> None:
    run = scanned(at_disconnect(), 1.5, 2)

    settling = shown(run, 2.0, [3.650, 3.645, 3.641, 3.6405, 3.6401])
    assert settling.typed == ()
    done = shown(settling, 7.0, [3.6402])

    (one,) = done.typed
    assert (one.position, one.voltage_v, one.meter) == (2, 3.6402, "METER-1")
    assert one.at == START + timedelta(seconds=7.0)
    assert done.scan is None


def test_what_the_meter_showed_before_the_scan_is_of_no_cell() -> None:
    """A sample that began before it counts no more than one that ended before it."""
    run = shown(at_disconnect(), 1.0, [3.640] * 10)
    run = scanned(run, 10.5, 1)

    early, _ = decide(run, sample(11.0, 3.64, age_s=0.8), START + timedelta(seconds=11))

    assert early.steadying == ()
    assert shown(early, 12.0, [3.64] * 3).typed == ()
    assert [one.position for one in shown(early, 12.0, [3.64] * 4).typed] == [1]


def test_the_bench_meter_is_on_record_with_an_age_for_each_and_the_first_again() -> None:
    """B7, G6."""
    run = led_round(at_disconnect(), [3.640, 3.641, 3.639, 3.638, 3.637])
    assert [one.position for one in run.typed] == [1, 2, 3, 4, 1]

    run, action = decide(run, sample(60.0, 3.637), START + timedelta(seconds=60))

    assert action == Finish()
    record = run.records[-1]
    assert record.meter == "METER-1"
    assert [cell.age_s for cell in record.cells] == [6.0, 16.0, 26.0, 36.0]
    assert [cell.verdict for cell in record.cells] == ["pass"] * 4
    assert record.again is not None
    assert (record.again.position, record.again.voltage_v) == (1, 3.637)
    assert (run.typed, run.scan, run.on_cell) == ((), None, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (scan(1), "cell 1 was read already, and that stands"),
        (scan(9), "cell 9 is not waited for"),
        (scan(2, meter="OTHER"), "another meter"),
        (scan(2, step="recheck"), "no cell is scanned"),
        (scan(3, corrects=True), "not read yet"),
        ({"step": "disconnect", "cell": "two", "meter": "M"}, "cannot be read"),
        (scan(2, scanned_at="2026-01-05T22:00:00"), "cannot be read"),
        ({"step": "disconnect", "cell": 2}, "cannot be read"),
        (scan(2, meter=""), "without a meter"),
    ],
)
def test_a_scan_of_what_is_not_waited_for_is_refused_and_changes_nothing(
    data: dict[str, Any], words: str
) -> None:
    run = led_to(at_disconnect(), 1.0, 1, 3.640)

    with pytest.raises(ValueError, match=words):
        heard(run, 20.0, data)


def test_a_scan_that_was_long_on_its_way_is_of_no_cell_any_more() -> None:
    """While the network was away the probes may have gone to another cell."""
    assert heard(at_disconnect(), 30.0, scan(1)).scan is not None
    with pytest.raises(ValueError, match="came 31 s late, and the probes may be elsewhere"):
        heard(at_disconnect(), 31.0, scan(1))


def test_nobody_types_where_the_bench_reads_its_meter_nor_scans_where_it_does_not() -> None:
    said = {"step": "disconnect", "cell": 1, "voltage_v": 3.64, "meter": "HAND-1"}
    at = START + timedelta(seconds=5)
    with pytest.raises(ValueError, match="reads its own meter"):
        by_hand.read(at_disconnect(), said | {"taken_at": at.isoformat()}, at=at, received_at=at)
    typed = run_at("disconnect", by_hand.typed_steps(program()))
    with pytest.raises(ValueError, match="no cell is scanned"):
        scanned(typed, 5.0, 1)


def test_a_meter_that_never_left_the_last_cell_is_not_taken_for_the_next() -> None:
    run = led_to(at_disconnect(), 1.0, 1, 3.640)

    run = shown(scanned(run, 8.5, 2), 9.0, [3.640] * 4)

    assert [one.position for one in run.typed] == [1]
    assert run.scan is None
    assert "has not left cell 1" in run.unread
    again = led_to(run, 20.0, 2, 3.640)  # as high as the first: no wonder, once it has moved
    assert [one.position for one in again.typed] == [1, 2]


def test_another_voltage_says_that_the_probes_have_moved() -> None:
    run = led_to(at_disconnect(), 1.0, 1, 3.640)

    run = shown(scanned(run, 8.5, 2), 9.0, [3.638] * 4)

    assert [one.position for one in run.typed] == [1, 2]


@pytest.mark.parametrize(
    ("volts", "words"),
    [
        ([OPEN_V] * 32, "the meter shows nothing, 30 s after the scan"),
        ([3.60, 3.61] * 16, "does not stand still within 1 mV, it last showed 3.60"),
        ([-3.640] * 4, "below zero: red probe on plus"),
        ([1.2] * 4, "outside 2.0 … 3.8 V"),
        ([3.70] * 4, "above 3.655 V"),
    ],
)
def test_a_scan_that_comes_to_no_reading_says_what_to_do(volts: list[float], words: str) -> None:
    run = shown(scanned(at_disconnect(), 0.5, 1), 1.0, volts)

    assert (run.typed, run.scan) == ((), None)
    assert words in run.unread
    assert [one.position for one in led_to(run, 60.0, 1, 3.640).typed] == [1]


def test_a_meter_in_doubt_settles_nothing_and_times_out_in_words() -> None:
    run = shown(scanned(at_disconnect(), 0.5, 1), 1.0, [3.64] * 3)
    doubt = frozenset({"meter_silent"})

    run, _ = decide(run, sample(4.0, 3.64, flags=doubt), START + timedelta(seconds=4))
    assert shown(run, 5.0, [3.64] * 3).typed == ()
    for second in range(5, 32):
        at_s = float(second)
        run, _ = decide(run, sample(at_s, 3.64, flags=doubt), START + timedelta(seconds=at_s))

    assert run.scan is None
    assert "in doubt (meter_silent), 30 s after the scan" in run.unread


def test_a_jump_is_measured_again_and_then_stands_with_both_on_record() -> None:
    run = led_to(at_disconnect(), 1.0, 1, 3.640)
    asked = led_to(run, 10.0, 2, 3.600)
    assert "cell 2 showed 3.600 V: 40 mV below the others" in asked.unread
    assert [one.position for one in asked.typed] == [1]

    stands = led_to(asked, 20.0, 2, 3.601)

    assert [(one.position, one.voltage_v) for one in stands.typed] == [(1, 3.640), (2, 3.601)]
    assert stands.retyped == ("cell 2 showed 3.600 V: 40 mV below the others",)


def test_more_than_the_bench_meters_limit_is_a_jump_where_a_hand_held_one_bears_twice_that() -> (
    None
):
    """G6: 10 mV by one meter, 20 mV by hand."""
    run = led_to(at_disconnect(), 1.0, 1, 3.640)

    assert "11 mV below" in led_to(run, 10.0, 2, 3.629).unread
    assert led_to(run, 10.0, 2, 3.631).unread == ""


def test_a_cell_may_be_measured_again_and_counts_from_then() -> None:
    run = led_round(at_disconnect(), [3.640, 3.641])
    run = shown(run, 30.0, [OPEN_V, 3.6395])

    run = shown(scanned(run, 31.5, 1, corrects=True), 32.0, [3.6395] * 4)

    assert [one.position for one in run.typed] == [2, 1]
    assert run.retyped == ("cell 1 was first read as 3.640 V, and then as 3.639 V",)


def test_probes_that_were_lifted_while_another_instrument_was_in_doubt_have_left_the_cell() -> None:
    """Its neighbour shows the same, and the person has done what they are asked for."""
    run = led_to(at_disconnect(), 1.0, 1, 3.640)
    silent = sample(8.0, OPEN_V, flags=frozenset({"thermometer_silent"}))
    run, _ = decide(run, silent, START + timedelta(seconds=8))
    run = shown(scanned(run, 8.5, 2), 9.0, [3.640] * 4)

    assert [one.position for one in run.typed] == [1, 2]


def test_a_meter_that_was_silent_is_not_seen_to_have_left_the_cell() -> None:
    run = led_to(at_disconnect(), 1.0, 1, 3.640)
    silent = sample(8.0, NAN, flags=frozenset({"meter_silent"}))
    run, _ = decide(run, silent, START + timedelta(seconds=8))
    run = shown(scanned(run, 8.5, 2), 9.0, [3.640] * 4)

    assert [one.position for one in run.typed] == [1]
    assert "has not left cell 1" in run.unread


def test_a_second_scan_takes_the_place_of_the_first() -> None:
    run = shown(scanned(at_disconnect(), 0.5, 1), 1.0, [3.64] * 3)

    run = scanned(run, 3.5, 2)
    assert run.unread == "cell 2 was scanned in its place"
    assert shown(run, 4.0, [3.64] * 3).typed == ()
    assert [one.position for one in shown(run, 4.0, [3.64] * 4).typed] == [2]


def test_an_interruption_between_scan_and_reading_asks_for_every_cell_again() -> None:
    """F4: nothing is counted twice."""
    run = led_to(at_disconnect(), 1.0, 1, 3.640)
    run = shown(scanned(run, 8.5, 2), 9.0, [3.640] * 2)
    stopped = OffProof(START, START, 0.0)

    again = resumed(run, at=START + timedelta(seconds=60), stopped=stopped, reason="lost")

    assert (again.typed, again.scan, again.steadying, again.on_cell) == ((), None, (), 0)
    assert [one.position for one in led_to(again, 61.0, 1, 3.640).typed] == [1]


def test_what_was_led_in_time_counts_and_the_rest_is_missing() -> None:
    run = scanned(led_round(at_disconnect(), [3.640, 3.641]), 899.0, 3)

    run, action = decide(run, sample(901.0, 3.64), START + timedelta(seconds=901))

    assert action == Finish()
    record = run.records[-1]
    assert [cell.verdict for cell in record.cells] == ["pass", "pass", "missing", "missing"]
    assert (run.scan, run.unread) == (None, "the step is over")


def test_a_scan_that_the_clocks_say_nothing_of_is_refused() -> None:
    """With the shop's clock ahead nobody knows how long a scan was on its way."""
    run = led_to(at_disconnect(), 1.0, 1, 3.640)
    ahead = (START + timedelta(seconds=620)).isoformat()

    with pytest.raises(ValueError, match="600 s ahead of the bench's clock"):
        heard(run, 20.0, scan(2, scanned_at=ahead))

    assert scanned(run, 20.0, 2).scan is not None


def test_cells_that_nobody_came_to_in_time_are_named_where_a_look_is_over() -> None:
    """B3, B8: that no figure settled would send people to the meter."""
    run = led_to(run_at("pre-parallel", led_program()), 1.0, 2, 3.30, step="pre-parallel")
    assert isinstance(run.step, Measure)
    late_s = run.step.timeout.total_seconds() + 1

    _, action = decide(run, sample(late_s, OPEN_V), START + timedelta(seconds=late_s))

    assert isinstance(action, SafeHold)
    assert "cells 1, 3, 4 were not read within 0:30:00" in action.reason


def test_state_and_program_are_stored_and_read_again() -> None:
    run = shown(scanned(led_to(at_disconnect(), 1.0, 1, 3.640), 8.5, 2), 9.0, [OPEN_V] * 2)

    assert from_plain(Run, to_plain(run)) == run
    assert "led" not in str(to_plain(by_hand.typed_steps(program())))


def test_people_are_told_to_take_the_meter_off_and_to_put_it_back() -> None:
    """B4, B7."""
    steps = led_program().steps
    asked = {step.name: step for step in steps if isinstance(step, Instruct)}

    assert steps[0] == asked["probes"]
    longer_s = led_program().limits.duration_max_s - program().limits.duration_max_s
    assert longer_s == asked["probes"].timeout.total_seconds()
    assert "go back to their place" in asked["connect"].text
    assert asked["connect"].confirm.endswith("meter back on")
    assert "probes go on them" in asked["unlink"].text
    assert asked["unlink"].confirm.endswith("meter in hand")
    assert "probes" not in asked["finish"].text
    looks = [step for step in steps if isinstance(step, Measure)]
    assert all(step.by_hand and step.by_hand.led == LED for step in looks)


def test_cells_one_by_one_give_the_meter_back_for_each() -> None:
    """B12."""
    steps = led_steps(made_single()).steps
    texts = {step.name: step.text for step in steps if isinstance(step, Instruct)}

    for cell in (1, 2, 3):
        assert "go back to their place" in texts[f"connect-{cell}"]
        assert "probes go on them" in texts[f"unlink-{cell}"]


@pytest.mark.parametrize("one_by_one", [led_steps, by_hand.typed_steps])
@pytest.mark.parametrize("made", [program(), made_single(), made_recheck()])
def test_nobody_is_told_of_a_scanner_that_is_not_there(
    made: Program, one_by_one: Callable[[Program], Program]
) -> None:
    """B7, B8: nor of its wires on the posts."""
    for step in one_by_one(made).steps:
        if isinstance(step, Instruct):
            assert "scanner" not in step.text
            assert "sense wires" not in step.text


def test_nobody_is_told_to_wait_with_the_meter_until_the_window_has_closed() -> None:
    """B7: five minutes after current stopped it is over."""
    (unlink,) = (step for step in led_program().steps if step.name == "unlink")

    assert isinstance(unlink, Instruct)
    assert "closes after 5 minutes. Then" not in unlink.text
    assert "straight after" in unlink.text


def test_the_dry_run_says_where_the_meter_cannot_be_led() -> None:
    assert check.problems(led_program(), UNSCANNED) == []
    assert check.problems(led_program(), BY_HAND) == []
    coarse = replace(UNSCANNED, meter=replace(UNSCANNED.meter, resolution_v=0.01))
    assert any("too coarse" in words for words in check.problems(led_program(), coarse))
    whole = led_program()
    found = check.problems(whole, replace(UNSCANNED, routes=4))
    assert any("behind the router" in words for words in found)
    straight = tuple(step for step in whole.steps if step.name != "connect")
    found = check.problems(replace(whole, steps=straight), UNSCANNED)
    assert any("nobody is asked to put the bank meter back" in words for words in found)
    emptied = bottom()
    looked = replace(emptied, steps=(whole.steps[1], *emptied.steps))
    assert any("never read by hand" in words for words in check.problems(looked, UNSCANNED))


def test_a_program_that_looks_at_nothing_stays_as_it_is() -> None:
    made = program()
    bare = replace(made, steps=tuple(s for s in made.steps if not isinstance(s, Measure)))

    assert led_steps(bare) == bare
