"""A program in its stretches: what the bench does between two acts of a person.  Pure.

A charge to a target is one; step and pause is one, its pauses included; so is a capacity test.
Cells that are charged or emptied one by one have a stretch each, all alike, be it a person or a
router who moves the leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import takewhile
from typing import Any

from stations.procedures.steps import (
    DRIVEN,
    Charge,
    Discharge,
    Instruct,
    OfCell,
    Program,
    Rest,
    SeriesCharge,
    Step,
    Verify,
    Wait,
)

BETWEEN = (Charge, SeriesCharge, Discharge, Rest, Verify)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps from the first that is driven on; `cell` is the position of the one in it, 0: all."""

    steps: tuple[Step, ...]
    cell: int


def stretches(program: Program) -> tuple[Stretch, ...]:
    """In their order; what somebody who is there in time makes needless is left out."""
    return tuple(_stretches(program))


def _stretches(program: Program) -> Iterator[Stretch]:
    found: list[Step] = []
    for step in (*program.steps, None):
        if found and _is_of_another(step, found[0]):
            yield Stretch(tuple(found), _place(found[0]))
            found = []
        if isinstance(step, BETWEEN) and not getattr(step, "skip_if_announced", ""):
            if found or isinstance(step, DRIVEN):
                found.append(step)
            continue
        if found:
            yield Stretch(tuple(found), _place(found[0]))
        found = []


def ahead(program: Program, name: str) -> tuple[Stretch, ...]:
    """What is left of the stretch that the step `name` is in, itself included, and those after it.

    () while a person acts, or cells are measured.  A wait for the moment is one of its own.
    """
    names = [step.name for step in program.steps]
    if name not in names:
        return ()
    now = names.index(name)
    first = program.steps[now]
    steps = tuple(
        takewhile(
            lambda step: isinstance(step, BETWEEN) and not _is_of_another(step, first),
            program.steps[now:],
        )
    )
    if isinstance(first, Wait):
        steps = (first,)
    if not any(isinstance(step, DRIVEN | Rest | Wait) for step in steps):
        return ()
    later = [
        one for one in stretches(program) if names.index(one.steps[0].name) >= now + len(steps)
    ]
    return (Stretch(steps, _place(first)), *later)


def _is_of_another(step: Step | None, than: Step) -> bool:
    """Whether it is for one cell, and not for the one that `than` is for."""
    cell = _cell(step)
    return cell > 0 and cell != _cell(than)


def _cell(step: Step | None) -> int:
    return step.cell if isinstance(step, OfCell) else 0


def _place(step: Step) -> int:
    return step.place if isinstance(step, OfCell) else 0


def plain(step: Step) -> Step:
    """The step as a bank of its own would have it: nobody is waited for, no place on a table."""
    known = {field.name for field in fields(step)}
    changes: dict[str, Any] = {
        name: value
        for name, value in {"cell": 0, "alone": 0, "hold_for": "", "gap_max": None}.items()
        if name in known
    }
    return replace(step, **changes)


def acts(program: Program) -> tuple[tuple[Instruct, ...], ...]:
    """What a person is asked for before each stretch, and after the last one."""
    found: list[tuple[Instruct, ...]] = []
    asked: list[Instruct] = []
    firsts = [stretch.steps[0].name for stretch in stretches(program)]
    for step in program.steps:
        if isinstance(step, Instruct):
            asked.append(step)
        elif step.name in firsts:
            found.append(tuple(asked))
            asked = []
    return (*found, tuple(asked))
