"""The bench without a shop: `python -m stations <command> <bench.toml>`.

Exit codes: 0 done, 1 the bench is not as it must be, above all its output not proven off,
2 wrong use or configuration, 3 another process holds the bench, 4 an instrument does not answer
as it must.

Whoever stops a bench waits for no driver to be imported: commands import what they need.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stations.clock import guard_s
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent
from stations.wire import socket_in

if TYPE_CHECKING:
    from stations.config import BenchConfig

NOT_OFF, WRONG, TAKEN, INSTRUMENT = 1, 2, 3, 4
OFF_PATIENCE_S = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except Exception as error:
        code = _code(error)
        if not code:
            raise
        return _fail(code, error)


def _code(error: Exception) -> int:
    """The exit code for what kept a command from its work; 0 for a fault in the program."""
    if isinstance(error, GuardianSilent | GuardianRefused):
        return TAKEN
    from stations.bench import BenchError
    from stations.config import ConfigError
    from stations.drivers.protocols import InstrumentError
    from stations.guardian.fence import FenceBroken
    from stations.guardian.service import BenchTaken, NoClock
    from stations.journal import JournalError

    if isinstance(error, ConfigError | FenceBroken | JournalError | NoClock | OSError):
        return WRONG
    if isinstance(error, BenchTaken):
        return TAKEN
    return INSTRUMENT if isinstance(error, InstrumentError | BenchError) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command, words in (
        (guard, "own the bench's ports until SIGTERM; first act: output off"),
        (off, "switch the supply off and prove it, with or without a guardian"),
        (identify, "who is plugged in at each role, against the file"),
        (measure, "one reading of every instrument, with the output proven off"),
        (check, "commission the bench: a person beside it, the cells linked; writes a report"),
        (run, "run the procedure that order.toml asks for, a person at the keyboard"),
        (simulate, "serve a simulated bench (world.toml beside bench.toml)"),
        (status, "what the bench's guardian knows, as JSON"),
        (stop, "ask the guardian to switch off at once"),
        (unlock, "say that you have looked at a supply that did not obey OFF"),
    ):
        sub = commands.add_parser(command.__name__, help=words, description=words)
        sub.add_argument("bench", type=Path, help="path of bench.toml")
        sub.set_defaults(command=command)
        if command is identify:
            sub.add_argument("--json", action="store_true", help="as the shop registers them")
        if command is check:
            sub.add_argument("--target", type=float, default=3.65, help="volts, never exceeded")
            sub.add_argument("--current", type=float, help="amps, default half of the rating")
        if command is run:
            sub.add_argument("order", type=Path, help="path of order.toml")
        if command is stop:
            sub.add_argument("--reason", default="stopped from the command line")
        if command is unlock:
            sub.add_argument("--by", required=True, help="who has looked at the supply")
    return parser


def guard(options: argparse.Namespace) -> int:
    import logging

    from stations import guardian
    from stations.guardian.log import UnhurriedHandler

    words = UnhurriedHandler(sys.stderr.fileno())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", handlers=[words])
    return guardian.serve(options.bench)


def off(options: argparse.Namespace) -> int:
    """Through the guardian where one holds the bench, else directly, until it is proven."""
    from stations.config import load
    from stations.guardian.service import BenchTaken, alone

    config = load(options.bench)
    deadline = guard_s() + OFF_PATIENCE_S
    try:
        with alone(config.folder):
            return _off_directly(config, deadline)
    except BenchTaken:
        return _off_by_guardian(config, deadline)


def _off_directly(config: BenchConfig, deadline: float) -> int:
    from stations.guardian.direct import switch_off

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
    from stations.commissioning import commands

    return commands.identify(options.bench, as_json=options.json)


def measure(options: argparse.Namespace) -> int:
    from stations.commissioning import commands

    return commands.measure(options.bench)


def check(options: argparse.Namespace) -> int:
    from stations.commissioning import commands

    return commands.check(options.bench, target_v=options.target, large_a=options.current)


def run(options: argparse.Namespace) -> int:
    from stations.lab import command

    return command.run(options.bench, options.order)


def simulate(options: argparse.Namespace) -> int:
    from stations.sim.bench import simulate as serve_simulation

    return serve_simulation(options.bench)


def status(options: argparse.Namespace) -> int:
    told = GuardianLink(socket_in(options.bench.parent)).status()
    print(json.dumps(told, indent=2))
    return 0


def unlock(options: argparse.Namespace) -> int:
    """Through the guardian where one holds the bench; it proves the output off anew."""
    from stations.config import load
    from stations.guardian.direct import unlock as unlock_directly
    from stations.guardian.service import BenchTaken, alone

    by = options.by.strip()
    if not by:
        return _fail(WRONG, "--by is empty; say who has looked at the supply")
    config = load(options.bench)
    try:
        with alone(config.folder):
            words = unlock_directly(config, by=by)
    except BenchTaken:
        words = GuardianLink(config.socket).unlock(by=by)
    print(f"unlocked; it was locked: {words}" if words else "it was not locked")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Whatever has become of bench.toml since the guardian read it."""
    link = GuardianLink(socket_in(options.bench.parent), timeout_s=10.0)
    told = link.stop(reason=options.reason)
    print(f"output {told['output']}")
    return 0 if told["output"] == "off" else NOT_OFF


def _fail(code: int, words: object) -> int:
    print(f"stations: {words}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
