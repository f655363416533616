"""What one cell may be said to bear: outside these a LiFePO4 cell's datasheet was misread.

The volts are those that the shop's cell types keep to, so a program from a file is no bolder.
"""

from __future__ import annotations

from collections.abc import Mapping

from stations.values import CELL_CEILING_V, Window

BOUNDS: Mapping[str, Window] = {
    "cells": Window(1, 64),
    "capacity_ah": Window(0.1, 10_000.0),
    "voltage_min_v": Window(1.8, 3.0),
    "voltage_max_v": Window(3.4, CELL_CEILING_V),
    "charge_c_max": Window(0.01, 10.0),
    "discharge_c_max": Window(0.01, 10.0),
    "torque_nm": Window(0.5, 30.0),  # of a nut: M4 to M10 on posts of aluminium; ours
    "r_ohm": Window(0.000_01, 0.1),
    "bms_over_v": Window(3.50, 4.00),  # what a BMS for LiFePO4 opens at, a cell
}
ORDERED = (("voltage_min_v", "voltage_max_v"),)
