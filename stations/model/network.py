"""How parallel cells share a current: star and ladder, each solved exactly.

Every cell is an emf behind a resistance.  A network turns emfs and branch resistances (the
cell's own, its contact and, in a star, its link) into a line: whatever current the supply
pushes in, the voltages follow as base + rise x current.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from stations.model.ocv import Floats


class Response(NamedTuple):
    """Volts across each cell's branch, and at the feed, for no current, and per ampere.

    A float stands for all branches alike.
    """

    branch_v: Floats | float
    branch_ohm: Floats | float
    feed_v: float
    feed_ohm: float


class Network(Protocol):
    def respond(self, emf_v: Floats, branch_ohm: Floats) -> Response: ...


class Star:
    """All branches meet at two points, which are also the feed."""

    def respond(self, emf_v: Floats, branch_ohm: Floats) -> Response:
        conductance = 1 / branch_ohm
        ohm = 1 / float(np.add.reduce(conductance))
        conductance *= emf_v
        volts = float(np.add.reduce(conductance)) * ohm
        return Response(volts, ohm, volts, ohm)


class Ladder:
    """Cells in a row between two busbars with `link_ohm` from each cell to the next, per bar.

    Diagonal: plus feeds the first cell, minus leaves at the last.  Otherwise both leads are at
    the first cell.  With u_i the volts between the bars at cell i, Kirchhoff's current law at
    both ends of each cell, plus minus minus, is a symmetric tridiagonal system:
    (L / link + 2 G) u = 2 G emf + current where the feed is.
    """

    def __init__(self, cells: int, link_ohm: float, diagonal: bool) -> None:
        if link_ohm <= 0:
            raise ValueError("a ladder needs links above 0 ohm; use a star for ideal busbars")
        self._rail_s = 1 / link_ohm
        self._diagonal = diagonal
        self._rail_drop_ohm = link_ohm * (cells - 1) / 2 if diagonal else 0.0
        ends = [1.0] + [2.0] * (cells - 2) + [1.0] if cells > 1 else [0.0]
        self._laplacian = np.array(ends) * self._rail_s
        feed = [0.0] * cells
        feed[0] += 1.0
        feed[-1 if diagonal else 0] += 1.0
        self._feed = feed

    def respond(self, emf_v: Floats, branch_ohm: Floats) -> Response:
        twice_s = 2 / branch_ohm
        base, rise = _solve_symmetric(
            (self._laplacian + twice_s).tolist(),
            self._rail_s,
            (twice_s * emf_v).tolist(),
            self._feed,
        )
        last = -1 if self._diagonal else 0
        return Response(
            np.array(base),
            np.array(rise),
            (base[0] + base[last]) / 2,
            (rise[0] + rise[last]) / 2 + self._rail_drop_ohm,
        )


def _solve_symmetric(
    diagonal: list[float], neighbour_s: float, first: list[float], second: list[float]
) -> tuple[list[float], list[float]]:
    """Solve T x = rhs for two right sides; T has `diagonal`, and -neighbour_s beside it.

    Plain floats: for some tens of cells this is faster than any array call.
    """
    n = len(diagonal)
    ratio, x, y = [0.0] * n, [0.0] * n, [0.0] * n
    carried = x_before = y_before = 0.0
    for i in range(n):
        inverse = 1 / (diagonal[i] - neighbour_s * carried)
        carried = ratio[i] = neighbour_s * inverse
        x_before = x[i] = (first[i] + neighbour_s * x_before) * inverse
        y_before = y[i] = (second[i] + neighbour_s * y_before) * inverse
    for i in range(n - 2, -1, -1):
        x[i] += ratio[i] * x[i + 1]
        y[i] += ratio[i] * y[i + 1]
    return x, y
