"""The bench without a shop: `python -m stations <command> <bench.toml>`.

Exit codes: 0 done, 1 the output could not be proven off, 2 wrong use or configuration,
3 another process holds the bench, 4 an instrument does not answer as it must.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from stations import guardian
from stations.bench import BenchError
from stations.clock import guard_s
from stations.config import BenchConfig, ConfigError, load
from stations.drivers.protocols import InstrumentError
from stations.guardian.direct import switch_off
from stations.guardian.fence import FenceBroken
from stations.guardian.lockout import Lockout
from stations.guardian.service import BenchTaken, NoClock, alone, open_instrument
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent

NOT_OFF, WRONG, TAKEN, INSTRUMENT = 1, 2, 3, 4
OFF_PATIENCE_S = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (ConfigError, FenceBroken, NoClock, OSError) as error:
        return _fail(WRONG, error)
    except (BenchTaken, GuardianSilent, GuardianRefused) as error:
        return _fail(TAKEN, error)
    except (InstrumentError, BenchError) as error:
        return _fail(INSTRUMENT, error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command, words in (
        (guard, "own the bench's ports until SIGTERM; first act: output off"),
        (off, "switch the supply off and prove it, with or without a guardian"),
        (identify, "ask every instrument who it is"),
        (simulate, "serve a simulated bench (world.toml beside bench.toml)"),
        (status, "what the bench's guardian knows, as JSON"),
        (stop, "ask the guardian to switch off at once"),
        (unlock, "say that you have looked at a supply that did not obey OFF"),
    ):
        sub = commands.add_parser(command.__name__, help=words, description=words)
        sub.add_argument("bench", type=Path, help="path of bench.toml")
        sub.set_defaults(command=command)
        if command is stop:
            sub.add_argument("--reason", default="stopped from the command line")
        if command is unlock:
            sub.add_argument("--by", required=True, help="who has looked at the supply")
    return parser


def guard(options: argparse.Namespace) -> int:
    return guardian.serve(options.bench)


def off(options: argparse.Namespace) -> int:
    """Through the guardian where one holds the bench, else directly, until it is proven."""
    config = load(options.bench)
    deadline = guard_s() + OFF_PATIENCE_S
    try:
        with alone(config.folder):
            return _off_directly(config, deadline)
    except BenchTaken:
        return _off_by_guardian(config, deadline)


def _off_directly(config: BenchConfig, deadline: float) -> int:
    found = switch_off(config, until_s=deadline)
    if found.contactor:
        print(f"the contactor is {found.contactor}")
    if found.proof is None:
        return _fail(NOT_OFF, found.alarm)
    print(f"off, proven at {found.proof.received_at.isoformat()}")
    return 0


def _off_by_guardian(config: BenchConfig, deadline: float) -> int:
    link = GuardianLink(config.socket, timeout_s=5.0)
    words = ""
    while guard_s() < deadline:
        told = link.stop(reason="off from the command line")
        if told["output"] == "off":
            print("off, proven by the guardian")
            return 0
        status = link.status()
        words = str(status["alarm"])
        if status["locked"] and status["contactor"] == "open":
            break
    return _fail(NOT_OFF, words)


def identify(options: argparse.Namespace) -> int:
    """Ask the instruments; a guardian that runs has asked already and holds the ports."""
    config = load(options.bench)
    try:
        with alone(config.folder):
            return _identify_directly(config)
    except BenchTaken:
        told = GuardianLink(config.socket).status()
        print(json.dumps(told["instruments"], indent=2))
        return 0


def _identify_directly(config: BenchConfig) -> int:
    found = 0
    for instrument in config.instruments:
        device = open_instrument(instrument, config.timing.io_timeout_s)
        try:
            seen = device.identify()
        except InstrumentError as error:
            found = _fail(INSTRUMENT, f"{instrument.role}: {error}")
            continue
        finally:
            device.close()
        print(f"{seen.role}: {seen.model}, serial number {seen.serial_number}, {seen.firmware}")
        if seen.serial_number != instrument.serial_number:
            found = _fail(INSTRUMENT, f"bench.toml says serial number {instrument.serial_number}")
    return found


def simulate(options: argparse.Namespace) -> int:
    from stations.sim.bench import simulate as serve_simulation

    return serve_simulation(options.bench)


def status(options: argparse.Namespace) -> int:
    told = GuardianLink(load(options.bench).socket).status()
    print(json.dumps(told, indent=2))
    return 0


def unlock(options: argparse.Namespace) -> int:
    """Through the guardian where one holds the bench; it proves the output off anew."""
    config = load(options.bench)
    try:
        with alone(config.folder):
            Lockout(config.lockout).unlock()
    except BenchTaken:
        GuardianLink(config.socket).unlock(by=options.by)
    print("unlocked")
    return 0


def stop(options: argparse.Namespace) -> int:
    told = GuardianLink(load(options.bench).socket, timeout_s=10.0).stop(reason=options.reason)
    print(f"output {told['output']}")
    return 0 if told["output"] == "off" else NOT_OFF


def _fail(code: int, words: object) -> int:
    print(f"stations: {words}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
