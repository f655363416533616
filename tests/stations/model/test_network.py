from __future__ import annotations

import numpy as np
import pytest

from stations.model.network import Ladder, Star

EMF = np.array([3.30, 3.32, 3.35, 3.31])
OHM = np.array([0.4e-3, 0.5e-3, 0.3e-3, 1.2e-3])


def whole_circuit(link: float, diagonal: bool, current: float) -> tuple[np.ndarray, float]:
    """Node voltages of both busbars by dense nodal analysis, minus lead grounded last."""
    n = len(EMF)
    admittance, injected = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)

    def connect(a: int, b: int, siemens: float) -> None:
        admittance[[a, b], [a, b]] += siemens
        admittance[[a, b], [b, a]] -= siemens

    for i in range(n):
        connect(i, n + i, 1 / OHM[i])
        injected[i] += EMF[i] / OHM[i]
        injected[n + i] -= EMF[i] / OHM[i]
        if i:
            connect(i - 1, i, 1 / link)
            connect(n + i - 1, n + i, 1 / link)
    minus = 2 * n - 1 if diagonal else n
    injected[0] += current
    injected[minus] -= current
    keep = [node for node in range(2 * n) if node != minus]
    volts = np.zeros(2 * n)
    volts[keep] = np.linalg.solve(admittance[np.ix_(keep, keep)], injected[keep])
    return volts[:n] - volts[n:], float(volts[0])


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("current", [0.0, 80.0])
def test_ladder_agrees_with_nodal_analysis_of_the_whole_circuit(
    diagonal: bool, current: float
) -> None:
    expected, feed = whole_circuit(0.2e-3, diagonal, current)

    line = Ladder(4, 0.2e-3, diagonal).respond(EMF, OHM)

    assert line.branch_v + line.branch_ohm * current == pytest.approx(expected, abs=1e-9)
    assert line.feed_v + line.feed_ohm * current == pytest.approx(feed, abs=1e-9)


def test_star_agrees_with_a_ladder_of_ideal_busbars() -> None:
    star = Star().respond(EMF, OHM)
    ladder = Ladder(4, 1e-12, True).respond(EMF, OHM)

    assert star.feed_v == pytest.approx(ladder.feed_v, abs=1e-6)
    assert star.feed_ohm == pytest.approx(ladder.feed_ohm, rel=1e-6)


def test_a_ladder_of_one_cell_is_that_cell() -> None:
    line = Ladder(1, 0.2e-3, True).respond(EMF[:1], OHM[:1])

    assert (line.feed_v, line.feed_ohm) == pytest.approx((EMF[0], OHM[0]))


def test_a_ladder_without_resistance_is_refused() -> None:
    with pytest.raises(ValueError, match="star"):
        Ladder(4, 0.0, True)
