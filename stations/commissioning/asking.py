"""Every instrument asked once, with the output off: who it is, and what it reads.

No guardian runs meanwhile; the caller holds the bench's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from stations.config import BenchConfig, InstrumentConfig
from stations.drivers.protocols import InstrumentError
from stations.drivers.rated import ratings_words
from stations.guardian.service import open_instrument
from stations.values import Identity


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question to one instrument; `problem` says what to do."""

    config: InstrumentConfig
    seen: Identity | None
    words: str = ""
    problem: str = ""


def everybody(config: BenchConfig) -> Iterator[Answered]:
    """Who is plugged in at each role, in the order of the file."""
    for instrument in config.instruments:
        yield _asked(config, instrument, partial(_ratings, instrument.driver))


def one_reading(config: BenchConfig) -> Iterator[Answered]:
    """One reading of each, from the instrument that bench.toml names and from no other."""
    for instrument in config.instruments:
        yield _asked(config, instrument, READS[instrument.role])


def told(config: BenchConfig, instruments: list[Mapping[str, str]]) -> Iterator[Answered]:
    """The same from what a guardian has found: plain identities by role."""
    seen = {str(said["role"]): Identity(**said) for said in instruments}
    for instrument in config.instruments:
        if instrument.role not in seen:
            problem = "the guardian that holds the bench has not asked it yet: start a run"
            yield Answered(instrument, None, problem=problem)
        else:
            words = ratings_words(instrument.driver)
            yield judged(Answered(instrument, seen[instrument.role], words))


def judged(answer: Answered) -> Answered:
    """The answer, with what is wrong where another serial number answers."""
    ours, seen = answer.config, answer.seen
    if seen is None or seen.serial_number == ours.serial_number:
        return answer
    problem = (
        f"serial number {seen.serial_number} answers, bench.toml says {ours.serial_number}: "
        "check the cables or correct bench.toml"
    )
    return Answered(ours, seen, answer.words, problem)


def _asked(
    config: BenchConfig, instrument: InstrumentConfig, ask: Callable[[Any], str]
) -> Answered:
    device: Any = open_instrument(instrument, config.timing.io_timeout_s)
    try:
        found = judged(Answered(instrument, device.identify()))
        return found if found.problem else Answered(instrument, found.seen, ask(device))
    except InstrumentError as error:
        return Answered(instrument, None, problem=str(error))
    finally:
        with suppress(InstrumentError):
            device.close()


def _ratings(driver: str, device: Any) -> str:
    return ratings_words(driver)


def _supply(device: Any) -> str:
    state, guard = device.read(), device.read_protection()
    return (
        f"output {'ON' if state.output_on else 'off'}, {state.voltage_v:.3f} V, "
        f"{state.current_a:.3f} A; set to {state.setpoint.voltage_v:g} V "
        f"{state.setpoint.current_a:g} A, OVP {guard.ovp_v:g} V, OCP {guard.ocp_a:g} A"
    )


def _volts(device: Any) -> str:
    device.prepare()
    return " ".join(f"{volts:.5f}" for volts in device.measure().volts) + " V"


def _relay(device: Any) -> str:
    closed = sorted(device.read().closed)
    return f"closed: {', '.join(map(str, closed)) or 'none'}"


def _load(device: Any) -> str:
    state = device.read()
    on = "ON" if state.output_on else "off"
    return f"input {on}, {state.voltage_v:.3f} V, {state.drawn_a:.3f} A drawn"


def _bms(device: Any) -> str:
    state = device.read()
    cells = " ".join(f"{volts:.3f}" for volts in state.cell_volts)
    return f"cells {cells} V, pack {state.pack_voltage_v:.2f} V, {state.current_a:.2f} A"


def _thermometer(device: Any) -> str:
    device.prepare()
    return " ".join(f"{celsius:.1f}" for celsius in device.measure().celsius) + " °C"


READS: Mapping[str, Callable[[Any], str]] = {
    "supply": _supply,
    "meter": _volts,
    "scanner": _volts,
    "relay": _relay,
    "router": _relay,
    "load": _load,
    "bms": _bms,
    "thermometer": _thermometer,
}
