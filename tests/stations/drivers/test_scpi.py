"""Identities, readings and error queues of SCPI instruments, from the manuals' examples."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.drivers import scpi
from stations.drivers.protocols import BadReply, WrongInstrument
from stations.values import Identity

READING = re.compile(r"[+-]\d\.\d{8}E[+-]\d{2}")


def volts(token: str) -> float:
    return scpi.volts(token, READING, limit_v=12.0, digits=5)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("+3.29876543E+00", 3.29877),
        ("-1.25000000E-03", -0.00125),
        ("+1.19999900E+01", 11.99999),
        ("+0.00000000E+00", 0.0),
    ],
)
def test_reads_a_number_and_rounds_it_once(token: str, value: float) -> None:
    assert volts(token) == value


@pytest.mark.parametrize(
    "sentinel", ["+9.90000000E+37", "-9.90000000E+37", "+9.91000000E+37", "+9.9E+37", "+9.91E+37"]
)
def test_overload_and_no_reading_are_nan(sentinel: str) -> None:
    assert math.isnan(volts(sentinel))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "3.29876543E+00",
        "+3.2987654E+00",
        "+3.29876543E+0",
        "+3.29876543E",
        "+3.29876543",
        "+3,29876543E+00",
        " +3.29876543E+00",
        "+3.29876543E+00 V",
        "+3.29876543E+00\n",
        "+3.29876543E+00+3.29876543E+00",
        "+3.29876543E+01",  # 33 V cannot be measured on the 10 V range
        "nan",
        "inf",
        "OVLD",
        "+9.90000000E+36",
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(BadReply):
        volts(token)


@given(nanovolts=st.integers(-11_900_000_000, 11_900_000_000), cut=st.integers(0, 14))
def test_no_part_of_a_reading_is_a_reading(nanovolts: int, cut: int) -> None:
    token = f"{nanovolts / 1e9:+.8E}"

    assert volts(token) == round(float(token), 5)
    for part in (token[:cut], token[cut + 1 :]):
        with pytest.raises(BadReply):
            volts(part)


def test_an_identity_has_four_fields() -> None:
    line = "Keysight Technologies,34461A,MY53200000,A.02.14-02.40-02.14-00.49-01-01"

    assert scpi.identity(line, role="meter", model="34461A") == Identity(
        "meter", "34461A", "MY53200000", "A.02.14-02.40-02.14-00.49-01-01"
    )


@pytest.mark.parametrize(
    "line",
    ["", "34461A", "Keysight Technologies,34461A,MY53200000", "a,b,c,d", "+3.29876543E+00"],
)
def test_another_line_is_no_identity(line: str) -> None:
    with pytest.raises(BadReply):
        scpi.identity(line, role="meter", model="34461A")


def test_another_model_is_the_wrong_instrument() -> None:
    with pytest.raises(WrongInstrument, match="expected a 34461A"):
        scpi.identity("Keysight Technologies,34465A,MY53200000,A.02", role="meter", model="34461A")
