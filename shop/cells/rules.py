"""What a cell type says, figure by figure, and why it cannot be that of a LiFePO4 cell.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shop.refusals import Problem
from stations.procedures.bounds.cell import BOUNDS
from stations.values import Window


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a datasheet; `default` where most say the same, `later` where it may be unsaid.

    Outside the bounds, which are those of a lab's order, a LiFePO4 cell's datasheet was misread.
    """

    name: str
    says: str
    unit: str
    bounds: Window
    default: float | None = None
    later: bool = False


FIGURES = (
    Figure("capacity_ah", "Rated capacity", "Ah", BOUNDS["capacity_ah"]),
    Figure("charge_voltage_max_v", "Charged at most to", "V", BOUNDS["voltage_max_v"], 3.65),
    Figure("discharge_voltage_min_v", "Emptied at most to", "V", BOUNDS["voltage_min_v"], 2.50),
    Figure("charge_c_max", "Charged at most at", "C", BOUNDS["charge_c_max"], 0.5),
    Figure("r_typical_ohm", "Typical resistance", "Ω", BOUNDS["r_ohm"], 0.0002),
    Figure(
        "discharge_c_max",
        "Discharged at most at, continuously",
        "C",
        BOUNDS["discharge_c_max"],
        later=True,
    ),
    Figure("torque_nm", "Torque of its nuts", "N·m", BOUNDS["torque_nm"], later=True),
)
LATER_SAID = tuple(figure for figure in FIGURES if figure.later)

NAMED = {"maker": ("maker", 100), "model": ("model", 100), "datasheet": ("named datasheet", 200)}


def type_problems(named: Mapping[str, str], figures: Mapping[str, float | None]) -> list[Problem]:
    """Why this is no cell type; every name and figure that does not fit."""
    found = [
        Problem(
            "cell_type_name",
            f"The type has no {what}.",
            f"Type it as it is printed, with its revision, in at most {most} letters.",
            about=name,
        )
        for name, (what, most) in NAMED.items()
        if not 0 < len(named[name]) <= most or not named[name].isprintable()
    ]
    return found + figure_problems(FIGURES, figures)


def figure_problems(asked: Iterable[Figure], figures: Mapping[str, float | None]) -> list[Problem]:
    """Every figure that is missing or that no LiFePO4 cell has; NaN is none either."""
    found = []
    for figure in asked:
        value, window = figures.get(figure.name), figure.bounds
        if (value is None and figure.later) or (value is not None and window.contains(value)):
            continue
        if value is None:
            words = f"{figure.says}: no figure is given."
        else:
            words = f"{figure.says}: {value:g} {figure.unit} is not one of a LiFePO4 cell."
        fix = f"Read the datasheet again; {window.low:g} … {window.high:g} {figure.unit} can be."
        found.append(Problem("cell_type_wrong", words, fix, about=figure.name))
    return found


def said_problems(
    known: Mapping[str, float | None], figures: Mapping[str, float | None]
) -> list[Problem]:
    """Why these cannot be added to a type that says what is `known`: what it says stands."""
    added = {f.name: value for f in LATER_SAID if (value := figures.get(f.name)) is not None}
    if not added:
        return [
            Problem(
                "nothing_said",
                "No figure was given.",
                "Type what the datasheet says: " + ", ".join(f.name for f in LATER_SAID) + ".",
            )
        ]
    found = [
        Problem(
            "said_already",
            f"{figure.says}: the type says {known[figure.name]:g} {figure.unit} already.",
            "What was said stands; name another revision of the datasheet as a type of its own.",
            about=figure.name,
        )
        for figure in LATER_SAID
        if figure.name in added and known[figure.name] is not None
    ]
    return found + figure_problems(LATER_SAID, added)
