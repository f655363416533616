"""Seeded measuring noise, so that a live voltmeter never says exactly the same twice."""

from __future__ import annotations

import random

from stations.sim.scpi import scientific

OVERLOAD = "+9.90000000E+37"  # SCPI infinity


class NoisyVoltmeter:
    """The converter of one instrument: volts to text, with noise and over-range."""

    def __init__(self, *, seed: int, noise_v: float, offset_v: float = 0.0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible noise, not a secret
        self._noise_v = noise_v
        self._offset_v = offset_v
        self._last = ""

    def convert(self, volts: float, range_v: float) -> str:
        """The reply for true `volts` on `range_v`; 120 % of the range is the most it shows."""
        text = self._draw(volts)
        while text == self._last and self._noise_v > 0:
            text = self._draw(volts)
        if abs(float(text)) > 1.2 * range_v:
            return OVERLOAD if volts > 0 else OVERLOAD.replace("+9", "-9")
        self._last = text
        return text

    def _draw(self, volts: float) -> str:
        return scientific(volts + self._offset_v + self._random.gauss(0.0, self._noise_v))
