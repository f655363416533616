"""A poor contact is named once the charge has shown it, and never on a healthy bank (B6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of, scattered
from stations.planner.contacts import Looked, poor_contacts
from stations.planner.hours import PERSON, charge_of
from stations.runner import begun, run
from stations.virtual_instruments import Instruments
from tests.stations.planner.random_jobs import Watched, end_of
from tests.stations.procedures.scripted import program

NOISY = Instruments(noise_v=100e-6, noise_a=0.003)


def charged(seed: int, *, contact_ohm: tuple[float, ...] = ()) -> Looked:
    """A bank of eight scattered cells, from about 96 %, as its meters show it."""
    rng = np.random.default_rng(seed)
    cells = scattered(cell_of(100.0), 8, rng)
    bank = Bank(
        cells,
        Wiring(link_ohm=float(rng.uniform(0.1e-3, 0.6e-3)), contact_ohm=contact_ohm),
        soc=[float(soc) for soc in rng.uniform(0.94, 0.97, 8)],
        linked=False,
        fed=False,
    )
    planned = program(cells=8, capacity_ah=100.0, full_rating_allowed=True)
    charge = charge_of(planned)
    assert charge is not None
    bench = Watched(bank, person=PERSON, sample_s=20.0, instruments=NOISY, seed=seed)
    bench.trace = []
    # All the supply has: two amps a cell, or two milliohms would not be seen.
    strong = replace(charge, setpoint=replace(charge.setpoint, current_a=18.0))
    steps = tuple(strong if step is charge else step for step in planned.steps)
    run(begun(end_of(replace(planned, steps=steps)), bench.clock.now()), bench)
    seen = bench.trace
    return poor_contacts(
        np.array([r.at.timestamp() for r in seen]),
        np.array([r.supply_current_a for r in seen]),
        np.array([float(r.regulation == "CV") for r in seen]),
        np.array([r.cell_voltages_v for r in seen]),
    )


@pytest.mark.parametrize("position", [1, 5])
def test_a_contact_of_ten_milliohms_is_named_with_what_to_do(position: int) -> None:
    contacts = [0.0] * 8
    contacts[position - 1] = 0.010

    found = charged(3, contact_ohm=tuple(contacts))

    assert [one.position for one in found.poor] == [position]
    assert 0.010 < found.poor[0].at_most_ohm < 0.040
    assert f"cell {position} hangs on a poor contact" in found.poor[0].words


def test_what_cannot_be_seen_is_said_to_be_unseen() -> None:
    at_s = np.arange(4.0)
    volts = np.full((4, 4), 3.4)

    def look(amps: list[float], cv: list[float], cells_v: np.ndarray = volts) -> str:
        return poor_contacts(at_s, np.array(amps), np.array(cv), cells_v).words

    assert "scanner" in look([14.4] * 4, [0, 0, 1, 1], np.empty((4, 0)))
    assert "before the hold" in look([14.4] * 4, [0, 0, 0, 0])
    assert "fallen by half" in look([14.4] * 4, [0, 0, 1, 1])
    assert "at 0.5 A a cell" in look([2.0, 2.0, 0.8, 0.5], [0, 0, 1, 1])
