"""`python -m stations run <bench.toml> <order.toml>`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stations import runner
from stations.bench import BenchError
from stations.commissioning.terminal import SAFETY
from stations.config import BenchConfig, load
from stations.guardian.child import NotProvenOff, own_guardian
from stations.guardian.service import BenchTaken, alone
from stations.guardian_client import GuardianBench, GuardianLink
from stations.keyboard import Keyboard, NobodyThere
from stations.lab.attended import AUTHORITY_S, PRESENCE, Attended
from stations.lab.commissioned import measured_of
from stations.lab.order import program_of, read
from stations.plain import to_plain
from stations.procedures.actions import Outcome
from stations.procedures.steps import PlanRefused, Program

GOOD, NOT_AS_IT_MUST_BE, WRONG, TAKEN = 0, 1, 2, 3
LOG = "run.log"  # what the guardian says, beside bench.toml


def run(bench: Path, order: Path) -> int:
    """0 where the program came to its end; the record is written either way."""
    config = load(bench)
    keyboard = Keyboard(sys.stdin.fileno())
    try:
        measured, known = measured_of(config)
        program = program_of(read(order), config, measured)
        keyboard.say(known)
        with alone(config.folder):
            _begin(keyboard)
        with own_guardian(bench, config, LOG) as link:
            outcome, written = _play(config, link, program, keyboard)
    except PlanRefused as error:
        return _fail(WRONG, "\n  ".join(["not begun:", *error.problems]))
    except BenchTaken as error:
        return _fail(TAKEN, f"{error}: end its guardian first")
    except (BenchError, NobodyThere, NotProvenOff) as error:
        return _fail(NOT_AS_IT_MUST_BE, error)
    except KeyboardInterrupt:
        return _fail(NOT_AS_IT_MUST_BE, "stopped by hand; the output is proven off")
    keyboard.say(f"\n{outcome.kind.lower()}: {outcome.reason}\n{written}")
    return GOOD if outcome.kind == "FINISHED" else NOT_AS_IT_MUST_BE


def _begin(keyboard: Keyboard) -> None:
    if keyboard.answer(SAFETY).strip().lower() != "yes":
        raise NobodyThere("not begun: nobody typed yes")


def _play(
    config: BenchConfig, link: GuardianLink, program: Program, keyboard: Keyboard
) -> tuple[Outcome, Path]:
    token = int(link.status()["highest_token"]) + 1
    name, presence = f"run-{token}", program.presence or PRESENCE
    with GuardianBench(
        config.socket,
        run=name,
        attempt=1,
        token=token,
        limits=program.limits,
        program={"name": program.name, "version": program.version, "cells": program.cells},
        valid_s=AUTHORITY_S,
        presence_s=presence.every.total_seconds(),
    ) as bench:
        attended = Attended(bench, link, keyboard, program, name, presence)
        outcome = runner.run(runner.begun(program, bench.opened_at), attended)
        journal = bench.close(kind=outcome.kind, reason=outcome.reason)
        told = {
            "station": config.station,
            "simulated": bench.simulated,
            "instruments": [dict(one) for one in bench.instruments],
            "journal": {"name": name, **journal},
        }
    return outcome, _write(config.folder / f"{name}.json", program, outcome, told)


def _write(path: Path, program: Program, outcome: Outcome, told: Mapping[str, Any]) -> Path:
    """The record of the run, whole or not at all."""
    plain = {
        **told,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "problems": list(outcome.problems),
        "records": to_plain(outcome.run.records),
        "program": to_plain(program),
    }
    half = path.with_suffix(".part")
    half.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    half.replace(path)
    return path


def _fail(code: int, words: object) -> int:
    sys.stderr.write(f"stations: {words}\n")
    return code
