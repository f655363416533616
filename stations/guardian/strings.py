"""Cells in series at the guardian: who shows each of them, and what must hold where nobody does.

Pure.
"""

from __future__ import annotations

from stations.values import UNSEEN_PRESENCE_MAX_S, Limits


def series_problem(
    limits: Limits, cells: object, wired: int, *, has_bms: bool, presence_s: float | None
) -> str:
    """Why a string must not be charged here, or "": every cell of it must be seen, or somebody
    be there."""
    series = limits.series_cells
    if not series:
        return "cells that nobody sees are of a string, this is none" * limits.cells_unseen
    if series != cells:
        return f"the limits are of {series} cells in series, the program has {cells!r} cells"
    seen = wired >= series or has_bms
    if limits.cells_unseen:
        return _unseen_problem(limits, presence_s, seen=seen)
    if seen:
        return ""
    return (
        f"nothing on this bench shows each of {series} cells in series: use one with a BMS on a "
        "wire, or a scanner with a channel for each"
    )


def _unseen_problem(limits: Limits, presence_s: float | None, *, seen: bool) -> str:
    """The meter on the string is all that the guardian has, so its limit must be that of the
    cells; and somebody must say in time that they are there."""
    series, cell_v = limits.series_cells, limits.cell_voltage_max_v
    if seen:
        return f"this bench shows each of {series} cells in series: charge them by what it shows"
    if presence_s is None or not presence_s <= UNSEEN_PRESENCE_MAX_S:
        return (
            f"nobody sees the {series} cells of this string: it is charged only while somebody "
            f"says at least every {UNSEEN_PRESENCE_MAX_S / 60:.0f} min that they are there"
        )
    if not limits.bank_voltage_max_v <= series * cell_v + 1e-9:
        return (
            f"the string may reach {limits.bank_voltage_max_v:g} V, more than {series} cells of "
            f"{cell_v:g} V"
        )
    if limits.drawn_max_a > 0:
        return f"nobody sees the {series} cells of this string: nothing is drawn from it"
    return ""


def cells_by(limits: Limits, wired: int) -> str:
    """Who tells the volts of each cell: the scanner, else the BMS of a string, or nobody."""
    if limits.cells_unseen:
        return "nobody"
    return "bms" if limits.series_cells and wired < limits.series_cells else "scanner"
