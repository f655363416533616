"""Putting a guardian together from a bench folder, and holding that folder for it alone."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from stations import config as configuration
from stations.clock import Clock, RealClock, SharedClock, guard_s
from stations.config import BenchConfig, InstrumentConfig
from stations.drivers.protocols import Bms, Instrument, Relays
from stations.drivers.registry import DRIVERS, open_load, open_relays, open_supply
from stations.guardian.bms import BmsHand
from stations.guardian.contactor import ContactorHand
from stations.guardian.core import Guardian
from stations.guardian.fence import Fence
from stations.guardian.lane import Lane, Post, Urgent
from stations.guardian.load import LoadHand
from stations.guardian.lockout import Lockout
from stations.guardian.loop import Inbox, Loop
from stations.guardian.recorder import Recorder
from stations.guardian.router import RouterHand
from stations.guardian.supply import SupplyHand
from stations.wire import listen

_log = logging.getLogger(__name__)

CLOCK_PATIENCE_S = 10.0  # how long a simulated bench may take to put its clock up
LAST_ACT_S = 20.0  # how long a guardian that failed goes on trying to prove the output off


class BenchTaken(Exception):
    """Another process holds this bench's folder: ask it instead."""


class NoClock(Exception):
    """The simulated bench has put no clock up; start it first."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the bench folder; raises BenchTaken while another process does.

    The lock goes with the process, however it ends.
    """
    with (folder / "guardian.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BenchTaken(f"another process drives the bench in {folder}") from error
        yield


def bench_clock(config: BenchConfig, patience_s: float = CLOCK_PATIENCE_S) -> Clock:
    """Real time, or the simulated bench's clock as soon as it is there."""
    if config.clock is None:
        return RealClock()
    pause = threading.Event()
    deadline = guard_s() + patience_s
    while True:
        try:
            return SharedClock(config.clock)
        except (OSError, ValueError) as error:  # not there yet, or still empty
            if guard_s() > deadline:
                raise NoClock(f"{config.clock} is not there: start the simulated bench") from error
        pause.wait(0.05)


def serve(path: Path) -> int:
    """Guard the bench of the bench.toml at `path`; 0 when it ended with the output proven off.

    Where it fails by itself its last act is off, by the way that needs no guardian.  Raises
    ConfigError, BenchTaken, NoClock, FenceBroken or OSError before it has begun.
    """
    config = configuration.load(path)
    with alone(config.folder):
        clock = bench_clock(config)
        inbox = Inbox()
        supply = supply_lane(config, clock, inbox.post)
        lanes: dict[str, Lane[Any]] = {"supply": supply}
        for instrument in config.instruments:
            if instrument.role not in ("supply", "relay", "router", "load", "bms"):
                lanes[instrument.role] = _lane(instrument, config, inbox.post)
        if config.load is not None:
            lanes["load"] = load_lane(config, config.load, clock, inbox.post)
        if config.bms is not None:
            lanes["bms"] = bms_lane(config, config.bms, inbox.post)
        if config.relay is not None:
            lanes["relay"] = contactor_lane(config, config.relay, inbox.post)
        if config.router is not None:
            lanes["router"] = router_lane(config, config.router, inbox.post)
        recorder = Recorder(config.journal, inbox.post)
        guardian = Guardian(
            config,
            clock=clock,
            supply=supply,
            lanes=lanes,
            recorder=recorder,
            fence=Fence(config.folder / "token"),
            lockout=Lockout(config.lockout),
        )
        whole = _looped(guardian, config, inbox)
        left_by_s = guard_s() + 2 * config.timing.io_timeout_s
        for lane in lanes.values():
            lane.leave(lambda device: device.close(), timeout_s=max(0.0, left_by_s - guard_s()))
        recorder.leave()
        inbox.close()
        if not whole:
            return _off_at_last(config)
        return 0 if guardian.off.output == "off" else 1


def _looped(guardian: Guardian, config: BenchConfig, inbox: Inbox) -> bool:
    """Whether the loop came to its end, and not to a fault of its own."""
    with listen(config.socket) as listener:
        try:
            Loop(guardian, listener, inbox).run()
        except Exception:
            _log.exception("the guardian fails; its last act is to switch off")
            return False
    return True


def _off_at_last(config: BenchConfig) -> int:
    """Never 0: whoever watches over the guardian looks after the bench, and starts another."""
    from stations.guardian.direct import switch_off  # which is built of the lanes of this module

    found = switch_off(config, until_s=guard_s() + LAST_ACT_S)
    if found.proof is None:
        _log.critical("the output is not proven off: %s", found.alarm)
    return 1


def supply_lane(config: BenchConfig, clock: Clock, post: Post) -> Lane[SupplyHand]:
    urgent = Urgent()
    return Lane("supply", lambda: _hand(config, clock, urgent), post, urgent=urgent)


def _hand(config: BenchConfig, clock: Clock, urgent: Urgent) -> SupplyHand:
    """The hand on the bench's supply; while it is `urgent` no read is repeated."""
    timeout_s = config.timing.io_timeout_s
    supply = open_supply(config.supply.driver, config.supply.resource, timeout_s=timeout_s)
    supply.may_repeat = lambda: not urgent.is_set()
    return SupplyHand(supply, clock, latency_s=timeout_s)


def load_lane(
    config: BenchConfig, load: InstrumentConfig, clock: Clock, post: Post
) -> Lane[LoadHand]:
    urgent = Urgent()

    def opened() -> LoadHand:
        timeout_s = config.timing.io_timeout_s
        device = open_load(load.driver, load.resource, timeout_s=timeout_s)
        device.may_repeat = lambda: not urgent.is_set()
        return LoadHand(device, clock, latency_s=timeout_s)

    return Lane("load", opened, post, urgent=urgent)


def bms_lane(config: BenchConfig, bms: InstrumentConfig, post: Post) -> Lane[BmsHand]:
    timeout_s = config.timing.io_timeout_s
    return Lane("bms", lambda: BmsHand(cast(Bms, open_instrument(bms, timeout_s)), bms), post)


def contactor_lane(config: BenchConfig, relay: InstrumentConfig, post: Post) -> Lane[ContactorHand]:
    urgent = Urgent()

    def opened() -> ContactorHand:
        relays = _relays(relay, config, urgent)
        return ContactorHand(relays, relay.channels[0], config.timing.contactor_s)

    return Lane("relay", opened, post, urgent=urgent)


def router_lane(config: BenchConfig, router: InstrumentConfig, post: Post) -> Lane[RouterHand]:
    urgent = Urgent()

    def opened() -> RouterHand:
        return RouterHand(_relays(router, config, urgent), router.channels)

    return Lane("router", opened, post, urgent=urgent)


def _relays(board: InstrumentConfig, config: BenchConfig, urgent: Urgent) -> Relays:
    relays = cast(Relays, open_instrument(board, config.timing.io_timeout_s))
    relays.may_repeat = lambda: not urgent.is_set()
    return relays


def _lane(instrument: InstrumentConfig, config: BenchConfig, post: Post) -> Lane[Any]:
    timeout_s = config.timing.io_timeout_s
    return Lane(instrument.role, lambda: open_instrument(instrument, timeout_s), post)


def open_instrument(instrument: InstrumentConfig, timeout_s: float) -> Instrument:
    """The driver of one instrument; nothing is sent until it is used."""
    key, resource = instrument.driver, instrument.resource
    if instrument.role in ("relay", "router"):
        return open_relays(key, resource, address=instrument.address, timeout_s=timeout_s)
    return DRIVERS[key].open(resource, channels=instrument.channels, timeout_s=timeout_s)
