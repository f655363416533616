"""Modbus RTU frames: published examples and properties of the checksum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.drivers import modbus
from stations.drivers.protocols import BadReply, Refused

words = st.integers(0, 0xFFFF)
units = st.integers(1, 247)
READ_STATE = bytes.fromhex("01 03 00 08 00 0B 85 CF")
STATE = bytes.fromhex(
    "01 03 16 01 6D 07 08 01 4E 07 08 00 00 17 7C 19 78 00 00 00 00 00 01 00 01 3E A0"
)
SET_VOLTAGE = bytes.fromhex("01 06 00 08 01 6D C8 75")


def reply(request: bytes, values: list[int]) -> bytes:
    body = request[:2] + bytes((2 * len(values),))
    body += b"".join(value.to_bytes(2, "big") for value in values)
    return body + modbus.crc16(body).to_bytes(2, "little")


def test_crc_of_the_catalogue_check_string() -> None:
    assert modbus.crc16(b"123456789") == 0x4B37  # CRC-16/MODBUS, reveng catalogue


@pytest.mark.parametrize(
    ("frame", "published"),
    [
        (modbus.read_request(1, 0, 4), "01 03 00 00 00 04 44 09"),
        (modbus.read_request(1, 8, 11), "01 03 00 08 00 0B 85 CF"),
        (modbus.write_request(1, 8, 365), "01 06 00 08 01 6D C8 75"),
        (modbus.write_request(1, 9, 1800), "01 06 00 09 07 08 5A 3E"),
        (modbus.write_request(1, 82, 375), "01 06 00 52 01 77 69 AD"),
        (modbus.write_request(1, 83, 1820), "01 06 00 53 07 1C 7A 22"),
        (modbus.write_request(1, 18, 1), "01 06 00 12 00 01 E8 0F"),
        (modbus.write_request(1, 18, 0), "01 06 00 12 00 00 29 CF"),
        (modbus.read_coils_request(1, 0, 8), "01 01 00 00 00 08 3D CC"),
        (modbus.write_coil_request(1, 0, 0xFF00), "01 05 00 00 FF 00 8C 3A"),
        (modbus.write_coil_request(1, 0, 0), "01 05 00 00 00 00 CD CA"),
        # Application Protocol V1.1b3, 6.12: two registers from 1 on, 10 and 258, to unit 0x11
        (modbus.write_many_request(0x11, 1, [10, 258]), "11 10 00 01 00 02 04 00 0A 01 02 C6 F0"),
    ],
)
def test_builds_the_published_frames(frame: bytes, published: str) -> None:
    assert frame == bytes.fromhex(published)


def test_reads_registers_out_of_the_published_reply() -> None:
    answer = modbus.answer(READ_STATE, STATE)

    assert answer == modbus.Answer((365, 1800, 334, 1800, 0, 6012, 6520, 0, 0, 1, 1), STATE)


def test_reads_coils_out_of_the_published_reply() -> None:
    frame = bytes.fromhex("01 01 01 05 91 8B")

    answer = modbus.answer(modbus.read_coils_request(1, 0, 8), frame)

    assert answer == modbus.Answer((1, 0, 1, 0, 0, 0, 0, 0), frame)


def test_coils_end_within_a_byte() -> None:
    # Application Protocol V1.1b3, 6.1: coils 20 to 38
    body = bytes.fromhex("11 01 03 CD 6B 05")
    request = modbus.read_coils_request(0x11, 0x13, 19)

    answer = modbus.answer(request, body + modbus.crc16(body).to_bytes(2, "little"))

    assert answer is not None
    assert answer.registers == (1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1)


@pytest.mark.parametrize("request_", [SET_VOLTAGE, modbus.write_many_request(1, 8, [365, 1800])])
def test_an_acknowledged_write_has_no_registers(request_: bytes) -> None:
    body = request_[:6]
    echo = body + modbus.crc16(body).to_bytes(2, "little")

    assert modbus.answer(request_, echo) == modbus.Answer((), echo)


@pytest.mark.parametrize("end", range(len(STATE)))
def test_waits_while_the_reply_is_not_whole(end: int) -> None:
    if end:
        assert modbus.answer(READ_STATE, STATE[:end]) is None


@pytest.mark.parametrize(
    "other",
    [
        "02 03 16",  # another unit
        "01 04 16",  # another function
        "01 03 08",  # another count
        "01 06 00 08",
        "00",
    ],
)
def test_refuses_a_wrong_beginning_without_waiting_for_the_rest(other: str) -> None:
    with pytest.raises(BadReply, match="does not answer"):
        modbus.answer(READ_STATE, bytes.fromhex(other))


def test_an_exception_reply_is_a_refusal() -> None:
    body = bytes.fromhex("01 83 02")
    frame = body + modbus.crc16(body).to_bytes(2, "little")

    with pytest.raises(Refused, match="exception 2"):
        modbus.answer(READ_STATE, frame)


def test_an_echo_of_another_value_does_not_acknowledge() -> None:
    with pytest.raises(BadReply, match="does not answer"):
        modbus.answer(SET_VOLTAGE, modbus.write_request(1, 8, 366))


def test_a_byte_count_that_belies_the_length_is_refused() -> None:
    body = STATE[:2] + bytes((0x14,)) + STATE[3:-2]

    with pytest.raises(BadReply, match="does not answer"):
        modbus.answer(READ_STATE, body + modbus.crc16(body).to_bytes(2, "little"))


@given(data=st.binary(min_size=1, max_size=64))
def test_data_followed_by_its_crc_leaves_no_remainder(data: bytes) -> None:
    assert modbus.crc16(data + modbus.crc16(data).to_bytes(2, "little")) == 0


@given(
    values=st.lists(words, min_size=1, max_size=20),
    bit=st.integers(0, 10_000),
    burst=st.integers(1, 0xFFFF),
)
def test_no_burst_of_errors_up_to_16_bits_is_taken_for_an_answer(
    values: list[int], bit: int, burst: int
) -> None:
    request = modbus.read_request(1, 8, len(values))
    good = reply(request, values)
    # The checksum's order of bits: the first byte first, the lowest bit of each byte first.
    as_number = int.from_bytes(good, "little") ^ (burst << (bit % (8 * len(good) - 15)))
    bad = as_number.to_bytes(len(good) + 2, "little")[: len(good)]

    assert bad != good
    try:
        taken = modbus.answer(request, bad)
    except (BadReply, Refused):
        taken = None
    assert taken is None  # refused, or waits for more until the time-out


@given(unit=units, start=words, values=st.lists(words, min_size=1, max_size=20))
def test_registers_survive_the_wire(unit: int, start: int, values: list[int]) -> None:
    request = modbus.read_request(unit, start, len(values))

    answer = modbus.answer(request, reply(request, values))

    assert answer is not None
    assert answer.registers == tuple(values)


@given(junk=st.binary(max_size=40), values=st.lists(words, min_size=4, max_size=4))
def test_after_a_fault_the_answer_is_found_behind_anything(junk: bytes, values: list[int]) -> None:
    request = modbus.read_request(1, 0, 4)

    answer = modbus.answer_at_end(request, junk + reply(request, values))

    assert answer is not None
    assert answer.registers == tuple(values)


def test_after_a_fault_a_part_of_the_answer_is_none() -> None:
    request = modbus.read_request(1, 0, 4)

    assert modbus.answer_at_end(request, STATE + reply(request, [1, 2, 3, 4])[:-1]) is None
