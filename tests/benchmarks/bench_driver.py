"""What our drivers add to the wire, and what a wire that goes dead costs.

A driver's sample is asked for, parsed strictly and held against limits; beside it, in turns, two
bare queries for the same answer on a wire of their own, so that a busy machine slows both alike.
The instruments answer at once, from a process of their own.  The guardian asks all three at a
time, each in its lane, of instruments that answer after 5 ms, as quick real ones do.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import socket
import statistics
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from stations.clock import RealClock, guard_s, wall_now
from stations.drivers import modbus, registry
from stations.drivers.protocols import (
    InstrumentSilent,
    Measured,
    PowerSupply,
    Scanner,
    SupplyState,
    Voltmeter,
)
from stations.drivers.transport import ScpiLink, SerialLink
from stations.guardian.envelope import Tally, judge
from stations.guardian.lane import Lane
from stations.guardian.loop import Inbox
from stations.guardian.sampler import Sample, Sampler, reading_of
from stations.guardian.supply import SupplyHand
from stations.values import Window
from tests.benchmarks.answering import CHANNELS, Bench, answering
from tests.benchmarks.report import p99, report
from tests.faults.guarded import LIMITS

ROUNDS, WARM_UP, BAR = 2000, 200, 1.5
SAMPLES, AFTER_S = 300, 0.005
BLOCKS, BLOCK_BAR = (13, 513), 2.5
HANG_UPS, PAUSE_S, NOTICED_MS, IDLE = 100, 0.05, 50, 0.02
CELL = Window(2.0, 3.66)
STATE, STATE_BYTES = modbus.read_request(1, 8, 11), 27


def main() -> bool:
    with answering() as bench, answering(after_s=AFTER_S) as slow:
        met = [*_drivers(bench), *_all_three(slow)]
    return all([*met, *_blocks(), *_dead_wires()])


def _drivers(bench: Bench) -> Iterator[bool]:
    with (
        _opened(bench) as (supply, meter, scanner),
        _wire(bench.meter) as to_meter,
        _wire(bench.scanner) as to_scanner,
    ):
        line = partial(_exchange, bench.line)
        yield _to_two("supply's state", lambda: _fits(supply.read()), line)
        query = partial(_query, to_meter)
        yield _to_two("meter's reading", lambda: _within(meter.measure()), query)
        query = partial(_query, to_scanner)
        yield _to_two("scan of 4 channels", lambda: _within(scanner.measure()), query)


def _to_two(name: str, sample: Callable[[], bool], query: Callable[[], None]) -> bool:
    sample()  # sets the instrument up
    ratios = [_seconds(sample) / _two(query) for _ in range(WARM_UP + ROUNDS)]
    figure = statistics.median(ratios[WARM_UP:]) if sample() else float("nan")
    return report(f"{name}, checked, to two bare queries", figure, unit="x", at_most=BAR)


def _all_three(bench: Bench) -> Iterator[bool]:
    """The guardian's sample of three instruments at a time, as a reading, judged."""
    with _wire(bench.meter) as wire, _sampling(bench) as sample:
        pairs = [(_seconds(sample), _two(lambda: _query(wire))) for _ in range(SAMPLES)]
    ratio = statistics.median(ours / two for ours, two in pairs)
    beyond_s = statistics.median(ours - two / 2 for ours, two in pairs)
    yield report("guardian's whole sample, to two bare queries", ratio, unit="x", at_most=BAR)
    yield report("guardian's whole sample, beyond its slowest answer", beyond_s * 1e3, unit="ms")


@contextmanager
def _sampling(bench: Bench) -> Iterator[Callable[[], None]]:
    """What the guardian does for a sample, but for the journal."""
    clock, inbox, done = RealClock(), Inbox(), list[Sample]()
    with _opened(bench) as (supply, meter, scanner):
        supply.output(True)
        lanes: dict[str, Lane[Any]] = {
            "supply": Lane("supply", lambda: SupplyHand(supply, clock, 1.0), inbox.post),
            "meter": Lane("meter", lambda: meter, inbox.post),
            "scanner": Lane("scanner", lambda: scanner, inbox.post),
        }
        sampler = Sampler(lanes, 2.0, done.append)
        tally = Tally(clock.now(), clock.now())

        def sample() -> None:
            sampler.begin(tuple(lanes))
            while not done:
                select.select([inbox.reader], [], [], 1.0)
                inbox.empty()
            reading = reading_of(
                done.pop(),
                seq=1,
                at=clock.now(),
                received_at=wall_now(),
                now_s=guard_s(),
                expected_on=True,
                cells=len(CHANNELS),
                stuck=frozenset(),
            )
            if reading.flags or judge(LIMITS, tally, reading, expected_on=True)[1]:
                raise ValueError(f"not a good sample: {reading}")

        sample()  # sets the instruments up
        yield sample
        for lane in lanes.values():
            lane.leave(lambda device: None, timeout_s=2.0)
    inbox.close()


@contextmanager
def _opened(bench: Bench) -> Iterator[tuple[PowerSupply, Voltmeter, Scanner]]:
    supply = registry.open_supply("riden_rd6018", bench.supply, timeout_s=1.0)
    meter = registry.open_meter("keysight_34461a", bench.meter, timeout_s=1.0)
    scanner = registry.open_scanner(
        "keysight_34972a", bench.scanner, channels=CHANNELS, timeout_s=1.0
    )
    with closing(supply), closing(meter), closing(scanner):
        yield supply, meter, scanner


def _blocks() -> Iterator[bool]:
    """A serial reply of so many bytes, to os.write and os.read on the same line."""
    with _process(_blocks_of_text) as told:
        path = told.recv()
        link, line = SerialLink(path, 115_200, 1.0), os.open(path, os.O_RDWR | os.O_NOCTTY)
        for size in BLOCKS:
            request = b"%07d\n" % size

            def ours(request: bytes = request, size: int = size) -> None:
                link.exchange(request, lambda heard: heard if len(heard) >= size else None)

            bare = partial(_exchange, line, request, size)
            ratios = [_seconds(ours) / _seconds(bare) for _ in range(WARM_UP + ROUNDS)]
            figure = statistics.median(ratios[WARM_UP:])
            name = f"serial reply of {size} bytes, to os.write and os.read"
            yield report(name, figure, unit="x", at_most=BLOCK_BAR)
        os.close(line)
        link.close()


def _dead_wires() -> Iterator[bool]:
    """From the other end's hang-up while we wait to our error; and what the waiting worked."""
    for name, hang_up, noticed in (
        ("LAN", _hang_up_sockets, _socket_noticed),
        ("serial", _hang_up_lines, _line_noticed),
    ):
        with _process(hang_up) as told:
            times = [noticed(told) for _ in range(HANG_UPS)]
        late_ms = p99([late_s * 1e3 for late_s, _ in times])
        share = sum(worked_s for _, worked_s in times) / (HANG_UPS * PAUSE_S)
        title = f"{name} peer that closes is noticed, p99 of {HANG_UPS}"
        yield report(title, late_ms, unit="ms", at_most=NOTICED_MS)
        yield report(f"{name}, processor time of that wait", share, unit="of wall", at_most=IDLE)


def _socket_noticed(told: Connection) -> tuple[float, float]:
    link = ScpiLink(told.recv(), 60.0)
    link.reopen()
    return _noticed(told, lambda: link.ask("READ?", str))


def _line_noticed(told: Connection) -> tuple[float, float]:
    link = SerialLink(told.recv(), 115_200, 60.0)
    link.reopen()
    return _noticed(told, lambda: link.exchange(b"READ", lambda heard: None))


def _noticed(told: Connection, wait: Callable[[], object]) -> tuple[float, float]:
    """Seconds after the hang-up, and seconds of processor time."""
    worked_s = time.thread_time()
    try:
        wait()
    except InstrumentSilent:
        noticed_s, worked_s = guard_s(), time.thread_time() - worked_s
        return noticed_s - told.recv(), worked_s
    return float("nan"), float("nan")


# In processes of their own


@contextmanager
def _process(work: Callable[[Connection], None]) -> Iterator[Connection]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(there,))
    process.start()
    try:
        yield here
    finally:
        process.terminate()
        process.join()


def _blocks_of_text(told: Connection) -> None:
    master, line = os.openpty()
    tty.setraw(line)
    told.send(os.ttyname(line))
    while True:
        os.write(master, b"U" * int(os.read(master, 256)))


def _hang_up_sockets(told: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        while True:
            told.send(f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET")
            peer, _ = server.accept()
            peer.recv(256)
            threading.Event().wait(PAUSE_S)
            closed_s = guard_s()
            peer.close()
            told.send(closed_s)


def _hang_up_lines(told: Connection) -> None:
    while True:
        master, line = os.openpty()
        tty.setraw(line)
        told.send(os.ttyname(line))
        os.read(master, 256)
        threading.Event().wait(PAUSE_S)
        closed_s = guard_s()
        os.close(line)
        os.close(master)
        told.send(closed_s)


# Bare wires


@contextmanager
def _wire(resource: str) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", int(resource.split("::")[2]))) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield wire


def _query(wire: socket.socket) -> None:
    wire.sendall(b"READ?\n")
    while not wire.recv(4096).endswith(b"\n"):
        continue


def _exchange(line: int, request: bytes = STATE, size: int = STATE_BYTES) -> None:
    os.write(line, request)
    while size > 0:
        size -= len(os.read(line, 4096))


def _two(query: Callable[[], object]) -> float:
    return _seconds(lambda: (query(), query()))


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _within(measured: Measured) -> bool:
    return all(CELL.contains(volts) for volts in measured.volts)


def _fits(state: SupplyState) -> bool:
    return CELL.contains(state.voltage_v) and state.current_a <= LIMITS.current_max_a
