from __future__ import annotations

import pytest

from stations.sim.scpi import ScpiInstrument, boolean, header_pattern, number


class Toy(ScpiInstrument):
    def __init__(self) -> None:
        super().__init__("Maker,Toy,1,0")
        self.nplc = 1.0
        self.add(
            {
                "[SENSe:]VOLTage[:DC]:NPLCycles": self._set,
                "[SENSe:]VOLTage[:DC]:NPLCycles?": lambda _: f"{self.nplc:g}",
                "[SENSe:]VOLTage[:DC]:ZERO:AUTO?": lambda _: "1",
            }
        )

    def _set(self, text: str) -> None:
        self.nplc = number(text, low=0.02, high=100, default=10)


def answer(instrument: ScpiInstrument, message: str) -> str:
    found = instrument.execute(message)
    return found.text if found else ""


@pytest.mark.parametrize(
    "spelling",
    ["VOLT:DC:NPLC?", "volt:nplc?", ":SENSE:VOLTAGE:DC:NPLCYCLES?", "SENS:Volt:NplCycles?"],
)
def test_takes_long_and_short_forms_in_any_case(spelling: str) -> None:
    assert answer(Toy(), spelling) == "1"


@pytest.mark.parametrize("spelling", ["VOL:NPLC?", "VOLTA:NPLC?", "VOLT:NPLCY?", "VOLT NPLC?"])
def test_refuses_forms_in_between(spelling: str) -> None:
    toy = Toy()

    assert answer(toy, spelling) == ""
    assert answer(toy, "SYST:ERR?") == '-113,"Undefined header"'


def test_a_star_is_not_a_wild_card() -> None:
    assert header_pattern("*IDN?").fullmatch("*idn?")
    assert not header_pattern("*IDN?").fullmatch("IDN?")


def test_joins_answers_and_continues_the_path() -> None:
    toy = Toy()

    assert answer(toy, "VOLT:DC:NPLC 0.2;NPLC?;ZERO:AUTO?;*OPC?") == "0.2;1;1"


def test_stops_a_message_at_its_first_error() -> None:
    toy = Toy()

    assert answer(toy, "VOLT:NPLC 500;*IDN?") == ""
    assert toy.nplc == 1.0
    assert answer(toy, "SYST:ERR?") == '-222,"Data out of range"'


def test_queues_errors_in_order_and_clears_them() -> None:
    toy = Toy()
    for message in ("NONSENSE", "VOLT:NPLC 1e9", "VOLT:NPLC many", "VOLT:NPLC"):
        toy.execute(message)

    codes = [answer(toy, "SYST:ERR?").split(",")[0] for _ in range(3)]
    toy.execute("*CLS")

    assert codes == ["-113", "-222", "-224"]
    assert answer(toy, "SYSTEM:ERROR:NEXT?") == '+0,"No error"'


def test_says_when_the_queue_ran_over() -> None:
    toy = Toy()
    for _ in range(25):
        toy.execute("NONSENSE")

    replies = [answer(toy, "SYST:ERR?") for _ in range(22)]

    assert replies.count('-113,"Undefined header"') == 20
    assert replies[20:] == ['-350,"Queue overflow"', '+0,"No error"']


def test_keeps_the_class_of_an_error_in_the_event_register() -> None:
    toy = Toy()
    toy.execute("NONSENSE")
    toy.execute("*OPC")

    assert [answer(toy, "*ESR?"), answer(toy, "*ESR?")] == ["+33", "+0"]


@pytest.mark.parametrize(("text", "value"), [("MIN", 0.02), ("max", 100), ("DEF", 10), ("2 V", 2)])
def test_takes_named_numbers_and_a_unit(text: str, value: float) -> None:
    assert number(text, low=0.02, high=100, default=10) == value


def test_takes_booleans_as_words_and_figures() -> None:
    assert [boolean(text) for text in ("ON", "1", "off", "0")] == [True, True, False, False]
