"""Cells to which a person leads the bench's own meter, where no scanner reads them (B7, B8, G6).

Pure.  They put the probes on a cell and scan its barcode; what the meter shows then is the cell's
reading once it stands still.  Nobody types a figure, so it is evidence of the bench meter's class.
A scan that comes to no reading has changed nothing: `unread` says why, and it is asked for again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stations.frozen import changed
from stations.procedures import by_hand
from stations.procedures.state import Run, Scan, Taken
from stations.procedures.steps import Led, Measure
from stations.values import NAN, Reading

OPEN_MAX_V = 0.5  # of a meter on nothing: 10 MΩ take its leads to 0 V; no cell is that low


def scanned(run: Run, data: Mapping[str, Any], *, at: datetime, received_at: datetime) -> Run:
    """The run with a cell that a person says to have the probes on.

    `at` and `received_at` are when the bench heard of it: only what the meter shows from then on
    is of that cell.  Raises ValueError in words for a cell that the step does not wait for, and
    for a scan that was so long on its way that the probes may be elsewhere by now, or of which
    the clocks do not tell.
    """
    step, how = run.step, by_hand.led_of(run)
    if how is None or step.name != data.get("step") or not isinstance(step, Measure):
        raise ValueError(f"no cell is scanned in “{step.title}”")
    scan, scanned_at = _scan(data, at)
    late = received_at - scanned_at
    if -late > how.wait_max:
        words = f"the scan of cell {scan.position} is {-late.total_seconds():.0f} s ahead of the"
        raise ValueError(f"{words} bench's clock: have the clocks of shop and bench set alike")
    if late > how.wait_max:
        words = f"the scan of cell {scan.position} came {late.total_seconds():.0f} s late"
        raise ValueError(f"{words}, and the probes may be elsewhere by now: scan it again")
    read = [one.position for one in run.typed]
    if any(one.meter != scan.meter for one in run.typed):
        raise ValueError(f"{scan.meter} is another meter than read the cells before")
    if scan.corrects and scan.position not in read:
        raise ValueError(f"cell {scan.position} was not read yet")
    if not scan.corrects and scan.position not in by_hand.left(step, run.program.cells, read):
        why = "was read already, and that stands" if scan.position in read else "is not waited for"
        raise ValueError(f"cell {scan.position} {why}")
    words = f"cell {scan.position} was scanned in its place" if run.scan else run.unread
    return replace(run, scan=scan, steadying=(), unread=words)


def looked(run: Run, how: Led, reading: Reading) -> Run:
    """The run after a good reading of the step: the scanned cell read, asked again, or neither."""
    run = _seen(run, how, reading)
    scan = run.scan
    if scan is None or reading.at - timedelta(seconds=reading.age_s) < scan.at:
        return run  # begun before the scan: of whatever the probes were on then
    now = Taken(scan.position, reading.voltage_v, reading.at, reading.received_at, scan.meter)
    kept = _within(how, (*run.steadying, now))
    run = changed(run, steadying=kept)
    volts = [one.voltage_v for one in kept]
    still = now.at - kept[0].at >= how.settle and max(volts) - min(volts) <= how.settle_v + 1e-9
    if not still or abs(now.voltage_v) < OPEN_MAX_V:
        return _waited(run, scan, how, now.at, _restless(how, now.voltage_v))
    if run.on_cell not in (0, scan.position):
        return _unread(
            run,
            f"the meter has not left cell {run.on_cell}: lift the probes, put them on cell "
            f"{scan.position}, then scan it again",
        )
    return _taken(changed(run, on_cell=scan.position), now)


def doubted(run: Run, reading: Reading) -> Run:
    """The run after a reading in doubt: what the meter showed before it counts no more."""
    how = by_hand.led_of(run)
    if how is None:
        return run
    if math.isfinite(reading.voltage_v):  # one that was not heard has not been seen to move
        run = _seen(run, how, reading)
    scan = run.scan
    if scan is None:
        return run
    words = f"the bench's readings are in doubt ({', '.join(sorted(reading.flags))})"
    return _waited(changed(run, steadying=()), scan, how, reading.at, words)


def done(run: Run) -> Run:
    """The run with nothing left of how its cells were read one by one: that is on record."""
    return replace(
        run,
        typed=(),
        retyped=(),
        scan=None,
        steadying=(),
        doubted=(),
        unread="the step is over",
        metered_v=NAN,
        on_cell=0,
    )


def _scan(data: Mapping[str, Any], at: datetime) -> tuple[Scan, datetime]:
    """The scan, and the wall time at which it was made."""
    try:
        act, position, meter = str(data.get("id", "")), int(data["cell"]), str(data["meter"])
        scanned_at = datetime.fromisoformat(data["scanned_at"])
        if scanned_at.utcoffset() is None:
            raise ValueError("a time without its zone")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"a scan that cannot be read: {error!r}") from error
    if not meter:
        raise ValueError("a scan without a meter")
    return Scan(act, position, at, meter, bool(data.get("corrects"))), scanned_at


def _seen(run: Run, how: Led, reading: Reading) -> Run:
    """Whether the probes have left the cell that was read last: they hung in the air, or what they
    are on is not what they were on."""
    shown_v, before_v = reading.voltage_v, run.metered_v
    moved = abs(shown_v) < OPEN_MAX_V or abs(shown_v - before_v) > how.settle_v
    return changed(run, metered_v=shown_v, on_cell=0 if moved else run.on_cell)


def _within(how: Led, shown: tuple[Taken, ...]) -> tuple[Taken, ...]:
    """The newest of them, as many as `settle` takes."""
    since = shown[-1].at - how.settle
    older = sum(one.at <= since for one in shown)
    return shown[max(0, older - 1) :]


def _restless(how: Led, voltage_v: float) -> str:
    if abs(voltage_v) < OPEN_MAX_V:
        return "the meter shows nothing"
    return (
        f"the meter does not stand still within {1000 * how.settle_v:g} mV, it last showed "
        f"{voltage_v:.3f} V"
    )


def _waited(run: Run, scan: Scan, how: Led, now: datetime, words: str) -> Run:
    if not now - scan.at > how.wait_max:
        return run
    return _unread(
        run,
        f"{words}, {how.wait_max.total_seconds():.0f} s after the scan: put the probes firmly on "
        "the posts, red on plus, then scan the cell again",
    )


def _taken(run: Run, now: Taken) -> Run:
    step = run.step
    assert isinstance(step, Measure)  # noqa: S101  only there anything is scanned
    assert step.by_hand is not None  # noqa: S101
    wrong = by_hand.slips(step.by_hand, now.voltage_v)
    if wrong:
        return _unread(run, wrong[0])
    others = [one.voltage_v for one in run.typed if one.position != now.position]
    before = [one.voltage_v for one in run.doubted if one.position == now.position]
    first_v = before[-1] if before else None
    asked = by_hand.asks_again(step, now.voltage_v, others=others, first_v=first_v)
    if asked:
        words = f"cell {now.position} showed {now.voltage_v:.3f} V: {asked}"
        run = replace(run, doubted=(*run.doubted, now), retyped=(*run.retyped, words))
        return _unread(run, f"{words}. Put the probes on it anew, then scan it again")
    corrects = run.scan is not None and run.scan.corrects
    run = replace(run, scan=None, steadying=(), unread="")
    return by_hand.corrected(run, now) if corrects else replace(run, typed=(*run.typed, now))


def _unread(run: Run, words: str) -> Run:
    return replace(run, scan=None, steadying=(), unread=words)
