"""T4: what people store and take back is in the audit, and edits of it are named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shop.cells.cell_types import define_cell_type, say_more
from shop.cells.models import CellType, StudFitting
from shop.cells.studs import fit_studs
from shop.equipment.instruments import register_instruments, take_off
from shop.equipment.models import Calibration, Instrument, Station, StationRetirement
from shop.equipment.retiring import rename_station, retire_station
from shop.equipment.rules.registering import Named
from shop.equipment.services import record_calibration, register_station
from shop.evidence.models import CapacityTest
from shop.evidence.services.capacity import import_capacity_file
from shop.jobs.models import PolicyVersion, RecipeRetirement, RecipeVersion
from shop.jobs.policies import policy_defaults
from shop.jobs.recipes import top_balance
from shop.jobs.versions import retire_recipe, store_policy, store_recipe
from shop.shelf.models import ShelfPlace
from shop.shelf.places import place_cells
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.tampering import change, remove, superuser
from tests.faults.verified import first_fault, verify
from tests.shop.packs.factories import make_capacity

NOON = factories.NOON
YEAR = timedelta(days=365)


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


def a_calibration(cast: Cast) -> Calibration:
    return record_calibration(
        instrument=factories.make_station().instruments.get(role="meter"),
        valid_from=NOON,
        valid_until=NOON + YEAR,
        certificate="K-2026-1",
        by=cast.sade,
        now=NOON,
    )


def a_policy(cast: Cast) -> PolicyVersion:
    return store_policy(parameters=policy_defaults(), by=cast.sade, now=NOON)


def an_import(cast: Cast) -> CapacityTest:
    """The second of two rows of a file."""
    factories.make_policy(by=cast.sade)
    cells = factories.make_cells(2)
    rows = "".join(f"{cell.serial},201.4,2026-11-19T12:00:00Z\n" for cell in cells)
    data = f"serial,capacity_ah,tested_at\n{rows}".encode()
    return import_capacity_file(name="c.csv", data=data, by=cast.sade, now=NOON)[1]


def a_recipe(cast: Cast) -> RecipeVersion:
    return store_recipe(name="Top", parameters=top_balance.defaults(), by=cast.sade, now=NOON)


def a_retirement(cast: Cast) -> RecipeRetirement:
    return retire_recipe(version=a_recipe(cast), words="Too hot.", by=cast.sade, now=NOON)


def a_fitting(cast: Cast) -> StudFitting:
    (cell,) = factories.make_cells(1)
    return fit_studs(cell=cell, thread_locker="red 271", words="", by=cast.tola, now=NOON)


def a_cell_type(cast: Cast) -> CellType:
    """One that said more later."""
    made = define_cell_type(
        maker="Eve",
        model="LF280K",
        datasheet="rev. B",
        figures={"capacity_ah": 280.0},
        by=cast.sade,
        now=NOON,
    )
    return say_more(cell_type=made, figures={"torque_nm": 6.0}, by=cast.sade, now=NOON)


def a_station(cast: Cast) -> Station:
    return register_station(slug="bench-1", name="Bench 1", host="pi-1", by=cast.sade, now=NOON)


def an_instrument(cast: Cast) -> Instrument:
    """One that was taken off again."""
    named = [Named("meter", "keysight_34461a", "MY1")]
    (made,) = register_instruments(station=a_station(cast), named=named, by=cast.sade, now=NOON)
    return take_off(instrument=made, words="Goes to be calibrated.", by=cast.sade, now=NOON)


def a_place(cast: Cast) -> ShelfPlace:
    """The second of two cells that were laid on a shelf."""
    return place_cells(
        serials=[cell.serial for cell in factories.make_cells(2)],
        shelf="B3",
        unlinked=True,
        covered=True,
        temperature_c=21.0,
        by=cast.tola,
        now=NOON,
    )[1]


def a_retired_station(cast: Cast) -> StationRetirement:
    return retire_station(station=a_station(cast), words="Sold.", by=cast.sade, now=NOON)


def a_renamed_station(cast: Cast) -> Station:
    return rename_station(station=a_station(cast), name="By the door", by=cast.sade, now=NOON)


RECORDS = [
    (a_retired_station, {"words": "No reason."}),
    (a_place, {"shelf": "C1"}),
    (a_fitting, {"thread_locker": "none"}),
    (a_recipe, {"parameters": top_balance.defaults() | {"stop_above_v": 0.100}}),
    (a_retirement, {"words": "No reason."}),
    (a_calibration, {"valid_until": NOON + 9 * YEAR}),
    (a_policy, {"parameters": policy_defaults() | {"fresh_s": 10**6}}),
    (an_import, {"capacity_ah": 210.0}),
]


@pytest.mark.parametrize(("made_by", "values"), RECORDS)
def test_an_edited_record_is_named(cast: Cast, made_by: Any, values: dict[str, Any]) -> None:
    row = made_by(cast)
    verify()

    change(type(row), row.pk, **values)

    name = type(row).__name__
    assert first_fault() == f"{name} {row.pk}: is not as the audit has it: it was changed"


@pytest.mark.parametrize("made_by", [made_by for made_by, _ in RECORDS])
def test_a_record_that_vanished_is_missed(cast: Cast, made_by: Any) -> None:
    row = made_by(cast)

    remove(type(row), row.pk)

    assert first_fault() == f"{type(row).__name__} {row.pk}: the audit has it and it is not there"


def test_a_certificate_that_nobody_recorded_is_named(cast: Cast) -> None:
    known = a_calibration(cast)

    forged = factories.calibrate(known.instrument)

    assert first_fault() == f"Calibration {forged.pk}: nobody made it: the audit does not have it"


# What lies where changes and a cell type is added to, so no trigger stands in this hand's way.
MOVES = [
    (a_cell_type, {"torque_nm": 20.0}),
    (a_cell_type, {"charge_c_max": 3.0}),
    (a_station, {"host": "pi-2"}),
    (a_renamed_station, {"name": "Bench 1"}),
    (an_instrument, {"serial_number": "MY2"}),
    (an_instrument, {"station_id": 1}),
]


@pytest.mark.parametrize(("made_by", "values"), MOVES)
def test_an_edited_station_instrument_or_cell_type_is_named(
    cast: Cast, made_by: Any, values: dict[str, Any]
) -> None:
    row = made_by(cast)
    verify()

    with superuser():
        type(row).objects.filter(pk=row.pk).update(**values)

    name = type(row).__name__
    assert first_fault() == f"{name} {row.pk}: is not as the audit has it: it was changed"


def test_an_instrument_that_vanished_is_missed(cast: Cast) -> None:
    row = an_instrument(cast)

    Instrument.objects.all().delete()

    assert first_fault() == f"Instrument {row.pk}: the audit has it and it is not there"


def test_one_that_moved_and_is_older_than_the_audits_word_is_well(cast: Cast) -> None:
    old = factories.make_station().instruments.get(role="meter")
    take_off(instrument=old, words="To bench 1.", by=cast.sade, now=NOON)
    factories.make_station()
    an_instrument(cast)

    verify()


def test_what_is_older_than_the_audits_word_and_what_was_measured_here_is_well(cast: Cast) -> None:
    factories.calibrate(factories.make_station(calibrated=False).instruments.get(role="meter"))
    a_calibration(cast)
    make_capacity(an_import(cast).cell)

    assert "2 audit entries" in verify()
