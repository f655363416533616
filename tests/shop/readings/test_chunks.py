"""The chunk format: what goes in comes out, and every change is seen."""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.readings import chunks
from stations.values import NAN, Reading
from tests.shop.readings.samples import START, make_readings

volts = st.one_of(
    st.just(NAN), st.integers(-5_000_000, 60_000_000).map(lambda microvolts: microvolts / 1e6)
)
seconds = st.integers(0, 10**14).map(lambda us: START + timedelta(microseconds=us % 10**12))


def same(a: Reading, b: Reading) -> bool:
    """Equality with NaN equal to itself."""
    return repr(replace(a, flags=frozenset())) == repr(replace(b, flags=frozenset())) and (
        a.flags == b.flags
    )


@given(
    st.lists(
        st.tuples(
            seconds,
            seconds,
            volts,
            volts,
            st.booleans(),
            st.sampled_from(["CC", "CV", ""]),
            st.frozensets(st.sampled_from(["meter_silent", "meter_stuck", "scanner_silent"])),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_gives_back_every_reading_with_its_holes_and_flags(
    rows: list[tuple[datetime, datetime, float, float, bool, str, frozenset[str]]],
) -> None:
    readings = [
        Reading(
            seq=seq,
            at=at,
            received_at=received,
            age_s=0.05,
            output_on=on,
            voltage_v=meter,
            supply_voltage_v=cell,
            supply_current_a=14.4,
            cell_voltages_v=(cell, meter),
            regulation=regulation,
            flags=flags,
        )
        for seq, (at, received, meter, cell, on, regulation, flags) in enumerate(rows, start=1)
    ]

    chunk = chunks.encode(readings, run_id=7, attempt=1)

    assert all(map(same, chunks.readings_of(chunk.payload), readings))


def test_follows_the_chunk_before_it() -> None:
    readings = make_readings(100)
    first = chunks.encode(readings[:60], run_id=7, attempt=1)

    second = chunks.encode(
        readings[60:], run_id=7, attempt=1, prev_last_seq=60, prev_hash=first.hash
    )

    assert (second.first_seq, second.last_seq, second.count) == (61, 100, 40)
    assert second.hash == chunks.verify(
        second.payload, run_id=7, attempt=1, first_seq=61, last_seq=100, prev_hash=first.hash
    )


def test_the_hash_changes_with_the_place_the_past_and_the_content() -> None:
    readings = make_readings(60)
    plain = chunks.encode(readings, run_id=7, attempt=1)
    changed = [replace(readings[0], voltage_v=readings[0].voltage_v + 1e-6), *readings[1:]]

    others = [
        chunks.encode(readings, run_id=8, attempt=1),
        chunks.encode(readings, run_id=7, attempt=2),
        chunks.encode(readings, run_id=7, attempt=1, prev_hash="1" * 64),
        chunks.encode(changed, run_id=7, attempt=1),
    ]

    assert len({plain.hash, *(other.hash for other in others)}) == 5


def test_the_hash_does_not_depend_on_how_hard_it_was_compressed() -> None:
    chunk = chunks.encode(make_readings(60), run_id=7, attempt=1)
    again = zlib.compress(zlib.decompress(chunk.payload), 9)

    digest = chunks.verify(
        again, run_id=7, attempt=1, first_seq=1, last_seq=60, prev_hash=chunks.GENESIS
    )

    assert again != chunk.payload
    assert digest == chunk.hash


@pytest.mark.parametrize(
    "readings",
    [
        [],
        make_readings(3, first_seq=2),
        [*make_readings(2), make_readings(1, first_seq=4)[0]],
        [*make_readings(1), make_readings(1, first_seq=2, cells=3)[0]],
        [replace(make_readings(1)[0], voltage_v=9.91e37)],
    ],
    ids=["empty", "late start", "hole", "lost a cell", "overload"],
)
def test_refuses_to_encode_what_is_not_a_run_of_readings(readings: list[Reading]) -> None:
    with pytest.raises(ValueError, match=r"chunk|reading"):
        chunks.encode(readings, run_id=7, attempt=1)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"text",
        zlib.compress(b"{}\n"),
        zlib.compress(b'{"v":2}\n'),
        zlib.compress(b'{"v":1,"count":2,"columns":[["at_us",0,1,[]]],"states":[]}\n'),
        zlib.compress(b'{"v":1,"count":2,"columns":[["at_us",0,3,[]]],"states":[]}\nabc'),
        zlib.compress(b'{"v":1,"count":1,"columns":[["at_us",0,0,[]]],"states":[]}\nabc'),
    ],
)
def test_says_when_a_payload_is_broken(payload: bytes) -> None:
    with pytest.raises(chunks.ChunkBroken):
        chunks.decode(payload)


def test_decodes_with_the_standard_library_alone() -> None:
    """T7: the format as its docstring describes it, in a dozen lines without this package."""
    readings = make_readings(90, cells=2)
    readings[5] = replace(readings[5], voltage_v=NAN)
    payload = chunks.encode(readings, run_id=7, attempt=1).payload

    columns = decode_by_the_book(payload)

    assert columns["voltage_uv"] == [
        None if math.isnan(r.voltage_v) else round(r.voltage_v * 1e6) for r in readings
    ]
    assert columns["cell_2_uv"] == [round(r.cell_voltages_v[1] * 1e6) for r in readings]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert columns["at_us"] == [(r.at - epoch) // timedelta(microseconds=1) for r in readings]


def decode_by_the_book(payload: bytes) -> dict[str, list[int | None]]:
    head, _, data = zlib.decompress(payload).partition(b"\n")
    header = json.loads(head)
    steps = header["count"] - 1
    columns: dict[str, list[int | None]] = {}
    for name, first, width, missing in header["columns"]:
        planes, data = data[: width * steps], data[width * steps :]
        zigzag = [sum(planes[p * steps + i] << 8 * p for p in range(width)) for i in range(steps)]
        values = accumulate(((z >> 1) ^ -(z & 1) for z in zigzag), initial=first)
        columns[name] = list(values)
        for start, length in missing:
            columns[name][start : start + length] = [None] * length
    return columns


def odd_readings() -> list[Reading]:
    """Holes, flags, a trip, the scanner lost and found, clocks that jump: by arithmetic alone."""
    plain = [
        Reading(
            seq=seq,
            at=START + timedelta(seconds=seq, microseconds=seq * 7919 % 1000),
            received_at=START + timedelta(seconds=seq, microseconds=1500 + seq * 31 % 7),
            age_s=0.05 + seq * 13 % 11 / 1e4,
            output_on=seq < 70,
            voltage_v=3.4 + seq * 2e-5,
            supply_voltage_v=NAN if seq % 19 in (3, 4) else round(3.47 + seq / 1e4, 2),
            supply_current_a=14.4 if seq < 70 else -0.01,
            cell_voltages_v=() if 40 < seq < 52 else (3.4 + seq * 2e-5, NAN if seq < 9 else 3.39),
            regulation="CC" if seq < 50 else "CV",
            flags=frozenset({"supply_silent", "meter_stuck"} if seq % 19 == 3 else ()),
        )
        for seq in range(1, 91)
    ]
    plain[60] = replace(plain[60], at=START - timedelta(days=400), voltage_v=math.inf)
    plain[61] = replace(plain[61], received_at=datetime(1970, 1, 1, tzinfo=UTC), temperature_c=25.0)
    return plain


def test_writes_the_bytes_of_format_1_as_ever() -> None:
    """The hashes are of the first release: what is stored must be made again from a journal."""
    speeds = [1.0] * 30 + [240.0] * 60

    made = chunks.encode_all(odd_readings(), run_id=7, attempt=2, samples_max=25, speeds=speeds)

    assert [chunk.hash[:16] for chunk in made] == [
        "fb8dea98df4240df",
        "c4e4656226e047a1",
        "1893c28b81001d85",
        "1a3eef82361a9f99",
        "34db98f9a4072540",
    ]


def test_each_probe_has_a_column_of_its_own_and_comes_back() -> None:
    """F4: a lost probe is NaN, and a chunk ends where a thermometer comes or goes."""
    bare = make_readings(2)
    warm = [
        replace(reading, temperature_c=25.1, temperatures_c=(24.9, NAN if n else 25.1))
        for n, reading in enumerate(make_readings(3, first_seq=3))
    ]

    without, probed = chunks.encode_all([*bare, *warm], run_id=7, attempt=1, samples_max=60)

    assert not any(name.startswith("probe_") for name in without.columns)
    assert probed.columns[-2:] == ("probe_1_uc", "probe_2_uc")
    back = chunks.readings_of(probed.payload, first_seq=3)
    assert [reading.temperatures_c[0] for reading in back] == [24.9] * 3
    assert back[0].temperatures_c[1] == 25.1
    assert math.isnan(back[2].temperatures_c[1])
    assert [r.temperatures_c for r in chunks.readings_of(without.payload)] == [(), ()]


def test_a_chunk_ends_where_the_scanner_is_lost_and_when_it_is_full() -> None:
    readings = make_readings(5) + make_readings(3, first_seq=6, cells=0)

    made = list(chunks.encode_all(readings, run_id=7, attempt=1, samples_max=4))

    assert [(c.first_seq, c.last_seq) for c in made] == [(1, 4), (5, 5), (6, 8)]
    assert [c.prev_hash for c in made] == [chunks.GENESIS, made[0].hash, made[1].hash]


# As it was written before benches had thermometers, in seq 5 to 10 of attempt 2 of run 7.
EARLIER_HASH = "b6dd67dda08106b619cbf49501c2d8c0420da83e311044455dd0b3b225b14112"
EARLIER = base64.b85decode(
    b"cmZWl%WA_g5OhLM{fHj+ya&mN6Y6U|Ll_}kwGGG*EXk#mLJ$3?{$6+2b|G{?&l%0m>H}t|H9|Y&K0$rrUC3P"
    b"@p*99wvN;0k^J7)&QmLw}6akNDng$KLxe#pdG1^U8sS5SV#^jO*RDT!l#f#r!qE^{Fge1%icsR1ZSeOIqMyk"
    b"X-j^W+j>dq2m^H?Qqo+jT@Xvbx@l*xCapIpilm2a7$XGY;^wI98IvfVX=>(HlH?w7r(&CR{_)TXxiHlSn^s@"
    b"y1kDCSG{20{KnKJ(dy=n-J)I!&1lm&^YnbUyjX#%rKXfFge0e=)up4~&AbXVAQ(QQYn2u1LK6@U){Ll3y&9h"
    b"Ij"
)


def as_then() -> list[Reading]:
    """Output off, then charging; at seq 8 the meter was silent and one cell not read."""
    return [
        Reading(
            seq=seq,
            at=START + timedelta(seconds=seq),
            received_at=START + timedelta(seconds=seq, microseconds=1500 + seq),
            age_s=0.05,
            output_on=seq > 6,
            voltage_v=NAN if seq == 8 else round(3.4 + seq / 1e6, 6),
            supply_voltage_v=3.47,
            supply_current_a=14.4 if seq > 6 else 0.0,
            cell_voltages_v=(round(3.4 + seq / 1e6, 6), NAN if seq == 8 else 3.401),
            temperature_c=NAN,
            regulation="CC" if seq > 6 else "",
            flags=frozenset({"meter_silent"}) if seq == 8 else frozenset(),
        )
        for seq in range(5, 11)
    ]


def test_a_chunk_of_an_earlier_version_is_read_and_verified_and_would_be_written_the_same() -> None:
    before = "ab" * 32
    verified = chunks.verify(
        EARLIER, run_id=7, attempt=2, first_seq=5, last_seq=10, prev_hash=before
    )
    assert verified == EARLIER_HASH

    read = chunks.readings_of(EARLIER, first_seq=5)
    assert all(same(*pair) for pair in zip(read, as_then(), strict=True))
    again = chunks.encode(as_then(), run_id=7, attempt=2, prev_last_seq=4, prev_hash=before)
    assert again.hash == EARLIER_HASH
