from __future__ import annotations

from pathlib import Path

import pytest

from stations.config import load
from stations.sim.folder import Folder, Ports, write_folder
from stations.sim.worldfile import WorldError, load_world

CELLS = "cells = [{ capacity_ah = 200.0, soc = 0.5 }]\n"


def loaded(folder: Path, text: str) -> object:
    path = folder / "world.toml"
    path.write_text(text)
    return load_world(path)


def test_reads_the_folder_that_was_written(tmp_path: Path) -> None:
    folder = Folder(
        cells=[{"capacity_ah": 202.0, "soc": 0.95, "reversed": True}, {"capacity_ah": 100}],
        speed=120.0,
        wiring={"layout": "ladder", "link_ohm": 0.0005, "contact_ohm": [0.0, 0.01]},
        supply={"ammeter_zero_a": 0.02},
        meters={"meter_offset_v": -0.001},
        timing={"sample_s": 1.0},
    )

    bench = load(write_folder(tmp_path, folder, Ports(41001, 41002, 41003)))
    world = load_world(tmp_path / "world.toml")

    assert bench.scanner is not None
    assert bench.scanner.channels == (101, 102)
    assert (world.speed, world.hands_port) == (120.0, 41003)
    assert [(c.parameters.capacity_ah, c.soc, c.reversed) for c in world.cells] == [
        (202.0, 0.95, True),
        (100.0, 0.5, False),
    ]
    assert (world.wiring.layout, world.wiring.contact_ohm) == ("ladder", (0.0, 0.01))
    assert (world.supply.ammeter_zero_a, world.meters.meter_offset_v) == (0.02, -0.001)


def test_scales_a_cell_by_its_capacity_unless_told(tmp_path: Path) -> None:
    small, poor = load_world_cells(
        tmp_path, "cells = [{ capacity_ah = 100 }, { capacity_ah = 100, r0_ohm = 0.002 }]"
    )

    assert small == pytest.approx(0.5e-3)
    assert poor == 0.002


def load_world_cells(folder: Path, text: str) -> list[float]:
    path = folder / "world.toml"
    path.write_text(text)
    return [cell.parameters.r0_ohm for cell in load_world(path).cells]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cells must be a list"),
        ("cells = [1]", "cells\\[1\\] must be a table"),
        ("cells = [{ soc = 0.5 }]", "cells\\[1\\].capacity_ah is missing"),
        ("cells = [{ capacity_ah = 200, soc = 1.5 }]", "soc is 1.5; it must be a number from 0"),
        ("cells = [{ capacity_ah = 200, colour = 'red' }]", "cells\\[1\\].colour is not a key"),
        (CELLS + "speeed = 3", "speeed is not a key; allowed are bms, cells, hands, meters, seed"),
        (CELLS + "speed = 0.5", "speed is 0.5; it must be a number from 1 to 1000"),
        (CELLS + "speed = true", "speed is True"),
        (CELLS + "[wiring]\nlayout = 'ring'", 'allowed are "star" and "ladder"'),
        (CELLS + "[wiring]\ncontact_ohm = [0.1, 0.2]", "a list of 1 resistances"),
        (CELLS + "[wiring]\nlink = 1", "wiring.link is not a key"),
        (CELLS + "[supply]\nboot_power = 1", "supply.boot_power is 1; it must be true or false"),
        (CELLS + "hands = 3", "hands must be a table"),
        (CELLS + "[hands]\nport = 70000", "hands.port is 70000"),
        ("cells = [", "world.toml"),
    ],
)
def test_names_the_wrong_key_and_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(WorldError, match=words):
        loaded(tmp_path, text)
