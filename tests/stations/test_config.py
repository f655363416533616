"""bench.toml is read strictly: every refusal names the key and what is allowed (F1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.config import ConfigError, load

GOOD = """
station = "bench-1"
[clock]
simulated = "clock"
[supply]
driver = "riden_rd6018"
resource = "supply.tty"
serial_number = "00012345"
[meter]
driver = "keysight_34461a"
resource = "TCPIP0::127.0.0.1::41001::SOCKET"
serial_number = "MY53200001"
[scanner]
driver = "keysight_34972a"
resource = "TCPIP0::127.0.0.1::41002::SOCKET"
serial_number = "MY49000001"
channels = [101, 102, 104, 103]
[timing]
deadman_s = 1.5
"""


RELAY = """
[relay]
driver = "waveshare_relay8"
resource = "relay.tty"
address = 7
contactor = 2
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text)
    return path


def test_reads_a_bench(tmp_path: Path) -> None:
    bench = load(write(tmp_path, GOOD))

    assert bench.station == "bench-1"
    assert bench.supply.resource == str(tmp_path / "supply.tty")
    assert bench.meter.resource == "TCPIP0::127.0.0.1::41001::SOCKET"
    assert bench.scanner is not None
    assert bench.scanner.channels == (101, 102, 104, 103)
    assert bench.clock == tmp_path / "clock"
    assert (bench.timing.deadman_s, bench.timing.pet_s) == (1.5, 0.375)
    assert [i.role for i in bench.instruments] == ["supply", "meter", "scanner"]


def test_a_bench_may_have_load_bms_and_thermometer(tmp_path: Path) -> None:
    more = """
[load]
driver = "itech_it8514c"
resource = "load.tty"
serial_number = "8000123456"
[bms]
driver = "jbd_bms"
resource = "bms.tty"
serial_number = "JBD-SP16S020-0042"
[thermometer]
driver = "eletechsup_r4dcb08"
resource = "thermometer.tty"
serial_number = "001"
channels = [4, 3, 2, 1]
"""
    bench = load(write(tmp_path, GOOD + more))

    assert [i.role for i in bench.instruments][3:] == ["load", "bms", "thermometer"]
    assert bench.thermometer is not None
    assert bench.thermometer.channels == (4, 3, 2, 1)
    assert bench.load is not None
    assert bench.load.resource == str(tmp_path / "load.tty")


def test_a_load_has_no_channels(tmp_path: Path) -> None:
    load_table = '[load]\ndriver = "itech_it8514c"\nchannels = [1]\n'

    with pytest.raises(ConfigError, match=r"load\.channels is not a key"):
        load(write(tmp_path, GOOD + load_table))


def test_a_bench_may_have_no_scanner_and_real_time(tmp_path: Path) -> None:
    text = GOOD.replace('[clock]\nsimulated = "clock"\n', "")
    text = text[: text.index("[scanner]")].replace("127.0.0.1", "192.168.1.20")

    bench = load(write(tmp_path, text))

    assert bench.scanner is None
    assert bench.relay is None
    assert bench.clock is None


def test_a_bench_may_have_a_contactor(tmp_path: Path) -> None:
    bench = load(write(tmp_path, GOOD + RELAY))

    assert bench.relay is not None
    assert bench.relay.serial_number == "unit-7"
    assert (bench.relay.address, bench.relay.channels) == (7, (2,))
    assert bench.instruments[-1] == bench.relay


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("address = 7", "address = 0", "relay.address is 0; it must be a whole number from 1 to"),
        ("address = 7", "address = true", "relay.address is True"),
        ("address = 7", "", "relay.address is None"),
        ("contactor = 2", "contactor = 9", "relay.contactor is 9; .* from 1 to 8"),
        ("waveshare_relay8", "riden_rd6018", "relay.driver is .* allowed are waveshare_relay8"),
        ("relay.tty", "supply.tty", "relay.resource is also the supply's"),
        ("relay.tty", "/dev/ttyUSB1", "ports inside the bench folder"),
        ("contactor = 2", "serial_number = '2'", "relay.serial_number is not a key"),
        ("deadman_s = 1.5", "contactor_s = 9.5", r"contactor_s is 9.5; at most 10 s less a"),
        ("deadman_s = 1.5", "rearm_s = 2.0", r"rearm_s is 2; at most a quarter of contactor_s"),
        ("deadman_s = 1.5", "contactor_s = 3.0", r"rearm_s is 1; at most .* \(0.75\)"),
        ("deadman_s = 1.5", "sample_s = 1.9", "sample_s is 1.9; at most a quarter of contactor_s"),
    ],
)
def test_refuses_a_wrong_contactor_by_its_key(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = GOOD + RELAY
    assert old in text

    with pytest.raises(ConfigError, match=words):
        load(write(tmp_path, text.replace(old, new)))


ROUTER = """
[router]
driver = "waveshare_relay8"
resource = "router.tty"
address = 8
channels = [3, 1]
"""


def test_a_bench_may_have_a_router_beside_its_contactor(tmp_path: Path) -> None:
    bench = load(write(tmp_path, GOOD + RELAY + ROUTER))

    assert bench.router is not None
    assert (bench.router.serial_number, bench.router.channels) == ("unit-8", (3, 1))
    assert bench.router in bench.instruments


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("address = 8", "address = 0", "router.address is 0; it must be a whole number from 1 to"),
        ("[3, 1]", "[3, 9]", "router.channels is .* relays from 1 to 8"),
        ("[3, 1]", "[3, 3]", "router.channels must be a list of different"),
        ("router.tty", "relay.tty", "router.resource is also the relay's"),
        ("waveshare_relay8", "riden_rd6018", "router.driver is .* allowed are waveshare_relay8"),
    ],
)
def test_refuses_a_wrong_router_by_its_key(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(write(tmp_path, GOOD + RELAY + ROUTER.replace(old, new)))


def test_a_bench_without_a_contactor_may_sample_slowly(tmp_path: Path) -> None:
    load(write(tmp_path, GOOD.replace("deadman_s = 1.5", "sample_s = 1.9")))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[clock]", "[clok]", "clok is not a key; allowed are bms, clock"),
        ('station = "bench-1"', "", "station must be a text"),
        ("riden_rd6018", "keysight_34461a", "supply.driver is 'keysight_34461a'; allowed are ea_"),
        ('"supply.tty"', "7", "supply.resource must be a text"),
        ("::41001::SOCKET", "::41001::RAW", "meter.resource .* allowed are TCPIP0"),
        ("127.0.0.1::41001", "127.0.0.1;*RST::41001", "meter.resource"),
        ("127.0.0.1::41001", "10.0.0.7::41001", "allowed there are only 127.0.0.1"),
        ("supply.tty", "/dev/ttyUSB0", "ports inside the bench folder"),
        ('"supply.tty"', '"../../../dev/ttyUSB0"', "ports inside the bench folder"),
        ('"supply.tty"', '"x/../../supply.tty"', "ports inside the bench folder"),
        ('"supply.tty"', r'"supply\u0000.tty"', "supply.resource is .* it must be printable"),
        ('"clock"', '"../clock"', "clock.simulated is '../clock'; it must be a file in the bench"),
        ("41002", "41001", "scanner.resource is also the meter's"),
        ("[101, 102, 104, 103]", "[101, 101]", "scanner.channels must be a list of different"),
        ("[101, 102, 104, 103]", '["101"]', "scanner.channels"),
        ("[101, 102, 104, 103]", "[]", "scanner.channels"),
        (
            "deadman_s = 1.5",
            "deadman = 1.5",
            "timing.deadman is not a key; allowed are contactor_s",
        ),
        ("deadman_s = 1.5", "deadman_s = 0", "timing.deadman_s is 0; it must be seconds"),
        ("deadman_s = 1.5", "deadman_s = true", "timing.deadman_s is True"),
        ("deadman_s = 1.5", "deadman_s = inf", "timing.deadman_s is inf"),
        ("deadman_s = 1.5", "io_timeout_s = 1.5", r"at most half of deadman_s \(1\)"),
        ("[supply]", "[supply", "bench.toml"),
    ],
)
def test_refuses_what_is_wrong_by_its_key(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))

    with pytest.raises(ConfigError, match=words) as refused:
        load(path)

    assert str(path) in str(refused.value)


@pytest.mark.parametrize("link", [".", "outside"])
def test_a_port_is_known_by_any_spelling(tmp_path: Path, link: str) -> None:
    folder, outside = tmp_path / "bench", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "x").symlink_to(tmp_path / link)
    meter = GOOD.replace("TCPIP0::127.0.0.1::41001::SOCKET", "supply.tty")

    with pytest.raises(ConfigError, match=r"meter\.resource is also the supply's"):
        load(
            write(folder, meter.replace('resource = "supply.tty"', 'resource = "./supply.tty"', 1))
        )
    with pytest.raises(ConfigError, match="ports inside the bench folder"):
        load(write(folder, meter.replace('"supply.tty"', '"x/supply.tty"', 1)))


def test_two_links_to_one_real_port_are_one_port(tmp_path: Path) -> None:
    for name in ("by-id", "by-path"):
        (tmp_path / name).symlink_to("/dev/ttyUSB0")
    real = GOOD.replace('[clock]\nsimulated = "clock"\n', "").replace("supply.tty", "by-id")

    with pytest.raises(ConfigError, match=r"meter\.resource is also the supply's"):
        load(write(tmp_path, real.replace("TCPIP0::127.0.0.1::41001::SOCKET", "by-path")))


@pytest.mark.parametrize("target", ["/dev/ttyUSB0", "/dev/pts/../ttyUSB0"])
def test_a_simulated_port_is_no_link_to_a_real_one(tmp_path: Path, target: str) -> None:
    (tmp_path / "supply.tty").symlink_to(target)

    with pytest.raises(ConfigError, match="ports inside the bench folder"):
        load(write(tmp_path, GOOD))


def test_refuses_what_is_not_utf_8(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b'station = "\xff"\n')

    with pytest.raises(ConfigError, match=f"{path}: .* can't decode byte 0xff"):
        load(path)
